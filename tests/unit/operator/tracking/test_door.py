"""What stands before an MLflow server, and what it answers in its place."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alidade_operator.decide.run_owner import INSTALLATION_TAG, UID_TAG
from alidade_operator.decide.sums.registration import Registrant, Registration
from alidade_operator.tracking.mlflow import MlflowTracking
from alidade_operator.tracking.tracking import TrackingError
from tests.support.door import Answer, Door, Request
from tests.support.tracking import TrackingServer
from tests.unit.operator.tracking.conftest import KEY

PAGE = b"<html><head><title>No</title></head><body><h1>%d of the door</h1></body></html>"


@pytest.fixture
def door(server: TrackingServer) -> Iterator[Door]:
    with Door(server.uri) as found:
        yield found


@pytest.fixture
def behind(door: Door) -> MlflowTracking:
    return MlflowTracking(door.uri, KEY)


@pytest.mark.parametrize(
    ("status", "unreachable"),
    [(401, False), (403, False), (404, False), (413, False), (429, True), (502, True), (503, True)],
)
async def test_what_a_door_answers_is_told_with_its_code_and_words(
    door: Door, behind: MlflowTracking, wanted: Registration, status: int, unreachable: bool
) -> None:
    door.turn_away(Answer(status, PAGE % status))
    with pytest.raises(TrackingError, match=f"^answers {status}: {status} of the door$") as told:
        await behind.register(wanted)
    assert (told.value.status, told.value.unreachable) == (status, unreachable)
    assert len(door.seen) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(403), "answers 403: Forbidden"),
        (Answer(400, b"no", "text/plain"), "answers 400: no"),
        (Answer(200, PAGE % 200), "answers 200, but not as MLflow does: 200 of the door"),
        (Answer(200, b"[1]", "application/json"), "answers 200, but not as MLflow does: [1]"),
        (Answer(200, b"{}", "application/json"), "its answer cannot be understood: KeyError"),
        (Answer(200, b'{"experiment": 3}'), "its answer cannot be understood: AttributeError"),
    ],
)
async def test_an_answer_that_is_not_mlflows_is_told_as_what_it_is(
    door: Door, behind: MlflowTracking, wanted: Registration, answer: Answer, words: str
) -> None:
    door.turn_away(answer)
    with pytest.raises(TrackingError) as told:
        await behind.register(wanted)
    assert str(told.value).startswith(words)


async def test_an_answer_that_breaks_off_is_none(
    door: Door, behind: MlflowTracking, wanted: Registration
) -> None:
    door.turn_away(Answer(200, b'{"experiment": {"exp', "application/json", length=1000))
    with pytest.raises(TrackingError) as told:
        await behind.register(wanted)
    assert told.value.unreachable


@pytest.mark.parametrize(("header", "seconds"), [("7", 7), (None, None), ("soon", None)])
async def test_who_asks_to_be_left_alone_says_for_how_long(
    door: Door,
    behind: MlflowTracking,
    wanted: Registration,
    header: str | None,
    seconds: float | None,
) -> None:
    door.turn_away(Answer(429, b"later", headers={"Retry-After": header} if header else {}))
    with pytest.raises(TrackingError) as told:
        await behind.register(wanted)
    assert told.value.retry_after == seconds


async def test_a_log_that_is_too_large_is_told_so(
    door: Door,
    behind: MlflowTracking,
    wanted: Registration,
    tags: dict[str, str],
    tmp_path: Path,
) -> None:
    def limited(request: Request) -> Answer | None:
        too_large = request.method == "PUT" and len(request.body) > 100
        return Answer(413, PAGE % 413) if too_large else None

    door.rule = limited
    experiment = (await behind.register(wanted)).experiment_id
    run_id = await behind.ensure_run(experiment, "train", tags, search=False)
    file = tmp_path / "worker.log"
    file.write_text("x" * 200)
    with pytest.raises(TrackingError, match="413 of the door") as told:
        await behind.log_artifact(run_id, tags[UID_TAG], file, "logs/p")
    assert told.value.status == 413
    file.write_text("x" * 50)
    await behind.log_artifact(run_id, tags[UID_TAG], file, "logs/p")


async def test_an_experiment_is_looked_at_before_each_run_that_is_made_in_it(
    door: Door, behind: MlflowTracking, wanted: Registration, tags: dict[str, str]
) -> None:
    experiment = (await behind.register(wanted)).experiment_id
    asked = "/api/2.0/mlflow/experiments/get?"

    async def looks() -> int:
        before = len(door.seen)
        await behind.ensure_run(experiment, "train", tags, search=False)
        return sum(request.path.startswith(asked) for request in door.seen[before:])

    assert await looks() == 1
    assert await looks() == 1


async def test_an_end_that_was_lost_is_not_taken_for_one(
    door: Door, behind: MlflowTracking, wanted: Registration, tags: dict[str, str]
) -> None:
    experiment = (await behind.register(wanted)).experiment_id
    run_id = await behind.ensure_run(experiment, "train", tags, search=False)
    lost = Answer(200, b"{}", "application/json")
    door.rule = lambda request: lost if request.path.endswith("/update") else None
    with pytest.raises(TrackingError, match="shows another: SCHEDULED"):
        await behind.end_run(
            run_id, tags[UID_TAG], "FINISHED", {"alidade.dev/state": "Finished"}, {}
        )
    door.rule = lambda request: lost if request.path.endswith("/log-batch") else None
    with pytest.raises(TrackingError, match="it took the end"):
        await behind.end_run(
            run_id, tags[UID_TAG], "FINISHED", {"alidade.dev/reason": "Completed"}, {}
        )
    door.open()
    assert await behind.end_run(
        run_id, tags[UID_TAG], "FINISHED", {"alidade.dev/reason": "Completed"}, {}
    )


@pytest.mark.parametrize("odd", [b'{"run": null}', b'{"run": {}}', b"{}"])
async def test_an_answer_without_a_run_does_not_say_that_it_is_gone(
    *,
    door: Door,
    behind: MlflowTracking,
    wanted: Registration,
    tags: dict[str, str],
    tmp_path: Path,
    odd: bytes,
) -> None:
    experiment = (await behind.register(wanted)).experiment_id
    run_id = await behind.ensure_run(experiment, "train", tags, search=False)
    answer = Answer(200, odd, "application/json")
    door.rule = lambda request: answer if "/runs/get" in request.path else None
    file = tmp_path / "worker.log"
    file.write_text("said")
    for asked in (
        behind.end_run(run_id, tags[UID_TAG], "FINISHED", {"alidade.dev/state": "Finished"}, {}),
        behind.log_artifact(run_id, tags[UID_TAG], file, "logs/p"),
    ):
        with pytest.raises(TrackingError, match="its answer cannot be understood"):
            await asked


async def test_a_second_run_of_which_that_is_not_told_is_left_open_to_be_found_again(
    door: Door, behind: MlflowTracking, wanted: Registration, tags: dict[str, str]
) -> None:
    experiment = (await behind.register(wanted)).experiment_id
    right, surplus = [
        await behind.ensure_run(experiment, "train", tags, search=False) for _ in range(2)
    ]
    lost = Answer(200, b"{}", "application/json")
    door.rule = lambda request: lost if request.path.endswith("/log-batch") else None
    with pytest.raises(TrackingError, match="but shows another: SCHEDULED"):
        await behind.end_surplus(surplus, tags[UID_TAG], right)
    assert surplus in [run.run_id for run in await behind.open_runs(tags[INSTALLATION_TAG])]


async def test_who_closes_waits_for_what_is_under_way_and_begins_nothing_more(
    door: Door, behind: MlflowTracking, wanted: Registration, tags: dict[str, str]
) -> None:
    experiment = (await behind.register(wanted)).experiment_id
    arrived, answered = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def held(request: Request) -> Answer | None:
        if request.path.endswith("/runs/create"):
            loop.call_soon_threadsafe(arrived.set)
            asyncio.run_coroutine_threadsafe(answered.wait(), loop).result()
        return None

    door.rule = held
    creating = asyncio.create_task(behind.ensure_run(experiment, "train", tags, search=False))
    await arrived.wait()
    creating.cancel()
    assert not await behind.close(0.01)
    answered.set()
    assert await behind.close()
    # The run was created; that it is to be scheduled was not said any more.
    assert door.seen[-1].path.endswith("/runs/create")
    with pytest.raises(TrackingError, match="the operator is ending"):
        await behind.register(wanted)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["experiment", "run", "info", "data", "tags", "experiments", "runs"])
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)
bodies = st.binary(max_size=64) | anything.map(lambda value: json.dumps(value).encode())


@given(status=st.integers(200, 599), body=bodies, kind=st.sampled_from(["text/html", "x", ""]))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_answered_it_is_a_tracking_error_or_an_answer(
    door: Door, status: int, body: bytes, kind: str
) -> None:
    door.turn_away(Answer(status, body, kind or "application/json"))

    async def ask_everything() -> None:
        behind = MlflowTracking(door.uri, KEY)
        for request in (
            behind.register(Registration(Registrant("i", "lab", "mnist"), "lab/mnist")),
            behind.ensure_run("1", "train", {UID_TAG: "u"}, search=True),
            behind.open_runs("i"),
            behind.right_run("u"),
            behind.end_run("r", "u", "FAILED", {"a": "b"}, {}),
            behind.log_artifact("r", "u", Path(__file__), "logs/p"),
        ):
            with suppress(TrackingError):
                await asyncio.wait_for(request, 30)
        assert await behind.close()

    asyncio.run(ask_everything())
