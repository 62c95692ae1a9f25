import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog

from alidade_operator.kube.gateway import (
    JOBS,
    ApiError,
    Body,
    Change,
    ExpiredError,
    ForbiddenError,
    Kind,
    NotFoundError,
    UnavailableError,
)
from alidade_operator.loop.follower import Follower
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance
from tests.support.simulation.gateway import UnreliableGateway
from tests.support.virtual_time import in_virtual_time, now

LONG = 250.0


class Scene(UnreliableGateway):
    """A follower whose lists and watches go as a script says."""

    def __init__(
        self, *watches: Any, lists: tuple[Any, ...] = (), newest: tuple[Any, ...] = ()
    ) -> None:
        super().__init__(ApiServer(lambda *_: None), Chance(0, 0), lambda: None)
        self.lists, self.watches, self.newest = list(lists), list(watches), list(newest)
        self.asked: list[str] = []
        self.told: list[tuple[float, str | None]] = []
        self.observed: list[tuple[str | None, Body]] = []
        self.follower = Follower(
            self,
            JOBS,
            None,
            selector=None,
            relist=self.relist,
            newest=self.say_newest,
            observe=lambda _, change, body: self.observed.append((change, body)),
            tell=lambda trouble: self.told.append((now(), trouble)),
        )

    async def relist(self) -> str:
        self.asked.append("list")
        outcome = self.lists.pop(0) if self.lists else "10"
        if isinstance(outcome, Exception):
            raise outcome
        return str(outcome)

    async def say_newest(self) -> str:
        outcome = self.newest.pop(0) if self.newest else "1000"
        if isinstance(outcome, Exception):
            raise outcome
        return str(outcome)

    async def watch(
        self, kind: Kind, namespace: str | None, selector: str | None, version: str
    ) -> AsyncIterator[Change]:
        self.asked.append(f"watch {version}")
        script = self.watches.pop(0) if self.watches else [LONG] * 1000
        for step in script:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, float):
                await asyncio.sleep(step)
            else:
                yield step

    async def follow(self, seconds: float = 600.0) -> list[str]:
        work = asyncio.create_task(self.follower.run())
        await asyncio.sleep(seconds)
        assert not work.done()
        work.cancel()
        return self.asked

    def troubles(self) -> list[str]:
        return [trouble for _, trouble in self.told if trouble]

    @property
    def trouble(self) -> str | None:
        return self.told[-1][1]


def change(version: int, kind: str = "MODIFIED") -> Change:
    return Change(kind, {"metadata": {"resourceVersion": str(version)}})


@in_virtual_time
async def test_a_watch_goes_on_from_where_the_last_one_ended() -> None:
    scene = Scene([change(11), change(12, "DELETED"), change(20, "BOOKMARK"), LONG], [LONG])
    assert await scene.follow(300.0) == ["list", "watch 10", "watch 20"]
    assert [kind for kind, _ in scene.observed] == ["MODIFIED", "DELETED"]
    assert scene.troubles() == []


@in_virtual_time
async def test_a_version_that_is_too_old_has_everything_listed_anew() -> None:
    scene = Scene([change(11), ExpiredError("too old")], lists=("10", "30"))
    assert await scene.follow(200.0) == ["list", "watch 10", "list", "watch 30"]
    assert scene.troubles() == []


@in_virtual_time
async def test_what_can_only_be_listed_is_listed_every_second() -> None:
    scene = Scene(*[[ExpiredError("nested too deep")]] * 1000)
    assert 90 < (await scene.follow(100.0)).count("list") <= 101


@in_virtual_time
async def test_a_watch_that_breaks_is_taken_up_where_it_broke_and_that_is_no_trouble() -> None:
    scene = Scene([change(11), UnavailableError("reset")])
    assert await scene.follow(200.0) == ["list", "watch 10", "watch 11"]
    assert scene.troubles() == []


@pytest.mark.parametrize("end", [[], [UnavailableError("reset")]])
@in_virtual_time
async def test_a_store_that_has_not_come_so_far_is_listed_and_not_watched(end: list[Any]) -> None:
    scene = Scene([change(30), LONG, *end], lists=("10", "20"), newest=("20",))
    assert await scene.follow(400.0) == ["list", "watch 10", "list", "watch 20"]


@in_virtual_time
async def test_an_api_server_that_was_away_is_listed_and_not_watched() -> None:
    gone = UnavailableError("connection refused")
    scene = Scene([change(30), UnavailableError("reset")], lists=("10", "50"), newest=(gone,))
    assert await scene.follow(200.0) == ["list", "watch 10", "list", "watch 50"]
    assert scene.troubles() == ["jobs.alidade.dev: connection refused"]


@in_virtual_time
async def test_a_watch_that_breaks_again_and_again_is_begun_with_a_list() -> None:
    scene = Scene(*[[UnavailableError("reset")]] * 3)
    assert (await scene.follow(200.0))[-2:] == ["list", "watch 10"]
    assert scene.asked.count("list") == 2


@in_virtual_time
async def test_a_watch_that_ends_as_soon_as_it_begins_is_not_asked_for_without_a_pause() -> None:
    scene = Scene(*[[]] * 1000)
    asked = await scene.follow(600.0)
    assert asked.count("list") < 20
    assert len(asked) < 100


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            NotFoundError("no"),
            "jobs.alidade.dev: there is no kind jobs.alidade.dev on this cluster (yet)",
        ),
        (ForbiddenError("RBAC says no"), "jobs.alidade.dev: RBAC says no"),
        (UnavailableError("429"), "jobs.alidade.dev: 429"),
        (ApiError("401"), "jobs.alidade.dev: 401"),
    ],
)
@in_virtual_time
async def test_what_keeps_a_kind_from_being_known_is_told_until_it_is_over(
    error: ApiError, told: str
) -> None:
    scene = Scene(lists=(error,) * 20)
    await scene.follow(60.0)
    assert scene.trouble == told
    scene.lists.clear()
    await scene.follow(60.0)
    assert scene.trouble is None
    assert scene.asked[-2:] == ["list", "watch 10"]


@in_virtual_time
async def test_a_kind_that_is_deleted_and_made_anew_is_taken_up() -> None:
    scene = Scene([change(11), NotFoundError("gone")], lists=("10", *[NotFoundError("")] * 5, "40"))
    assert (await scene.follow(200.0))[-2:] == ["list", "watch 40"]
    assert scene.troubles()
    assert scene.trouble is None


@in_virtual_time
async def test_a_server_that_asks_to_be_left_alone_is_left_alone() -> None:
    scene = Scene(lists=(UnavailableError("429", retry_after=50.0),))
    assert await scene.follow(49.0) == ["list"]


@in_virtual_time
async def test_a_fault_of_ours_ends_no_watch_for_good() -> None:
    scene = Scene([ZeroDivisionError()], lists=(ValueError(), "10", "12"))
    with structlog.testing.capture_logs() as logs:
        assert (await scene.follow(200.0))[-2:] == ["list", "watch 12"]
    assert [log["event"] for log in logs] == ["watch.crashed"] * 2
    assert scene.trouble is None


@in_virtual_time
async def test_a_comparison_that_fails_says_when_to_try_again() -> None:
    scene = Scene(lists=(UnavailableError("429", retry_after=50.0), "10"))
    assert await scene.follower.compare() == 50.0
    assert await scene.follower.compare() is None
