import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from alidade_operator.act.tracker import LAST_RETRY_SECONDS, Lane, Operation, Tracker
from alidade_operator.decide.answers import TrackingView
from alidade_operator.index.cache import WorkKey
from alidade_operator.tracking.tracking import TrackingError
from tests.support.virtual_time import in_virtual_time, now

KEY = WorkKey("job", "lab", "train")
AWAY = TrackingError("connection refused", unreachable=True)
REFUSED = TrackingError("experiment 'mnist' is deleted", unreachable=False)
FOUND = TrackingView(tracking_id="r1")


class Scene:
    """A tracker at work, and the keys it woke."""

    def __init__(self) -> None:
        self.woken: list[WorkKey] = []
        self.calls: list[float] = []
        self.tracker = Tracker(self.woken.append)

    def answering(self, *answers: TrackingView | TrackingError, after: float = 1) -> Operation:
        """Make an operation that answers so, one call after the other, the last one for ever."""
        left = list(answers)

        async def operation() -> TrackingView:
            self.calls.append(now())
            await asyncio.sleep(after)
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, TrackingError):
                raise answer
            return answer

        return operation


@asynccontextmanager
async def working() -> AsyncIterator[Scene]:
    scene = Scene()
    task = asyncio.create_task(scene.tracker.run())
    yield scene
    assert not task.done()
    task.cancel()


@asynccontextmanager
async def working_on_runs(scene: Scene, seconds: float) -> AsyncIterator[None]:
    """Have a run wanted for a time, of a third namespace."""

    async def slow() -> TrackingView:
        await asyncio.sleep(seconds)
        return FOUND

    await asyncio.sleep(0)
    scene.tracker.request(KEY._replace(namespace="elsewhere"), "run", slow)
    await asyncio.sleep(0)
    yield


@in_virtual_time
async def test_nothing_is_known_of_what_was_not_asked_for() -> None:
    async with working() as scene:
        assert scene.tracker.view("u") == TrackingView()


@in_virtual_time
async def test_what_came_of_an_operation_is_remembered_and_wakes_who_asked() -> None:
    async with working() as scene:
        scene.tracker.request(KEY, "u", scene.answering(FOUND))
        assert scene.tracker.view("u") == TrackingView()
        await asyncio.sleep(2)
        assert scene.tracker.view("u") == FOUND
        assert scene.woken == [KEY]


@in_virtual_time
async def test_an_operation_under_way_is_not_started_twice() -> None:
    async with working() as scene:
        for _ in range(3):
            scene.tracker.request(KEY, "u", scene.answering(FOUND))
        await asyncio.sleep(0.5)
        scene.tracker.request(KEY, "u", scene.answering(FOUND))
        await asyncio.sleep(60)
        assert len(scene.calls) == 1


@in_virtual_time
async def test_once_done_another_may_be_asked_for() -> None:
    async with working() as scene:
        scene.tracker.request(KEY, "u", scene.answering(FOUND))
        await asyncio.sleep(2)
        settled = TrackingView(tracking_id="r1", settled=True)
        scene.tracker.request(KEY, "u", scene.answering(settled))
        await asyncio.sleep(2)
        assert scene.tracker.view("u") == settled


@in_virtual_time
async def test_a_failed_operation_is_tried_until_it_succeeds_and_the_trouble_is_over_then() -> None:
    async with working() as scene:
        scene.tracker.request(KEY, "u", scene.answering(AWAY, AWAY, REFUSED, FOUND))
        await asyncio.sleep(1.01)
        assert (scene.tracker.view("u").trouble or "").startswith("MLflow unreachable since ")
        await asyncio.sleep(60)
        assert scene.tracker.view("u") == FOUND
        assert len(scene.calls) == 4


@in_virtual_time
async def test_tries_come_further_and_further_apart_up_to_a_limit() -> None:
    async with working() as scene:
        scene.tracker.request(KEY, "u", scene.answering(AWAY, after=0))
        await asyncio.sleep(600)
        gaps = [round(b - a, 3) for a, b in pairwise(scene.calls)]
        assert gaps == sorted(gaps)
        assert gaps[0] < 1
        assert gaps[-1] == LAST_RETRY_SECONDS


@in_virtual_time
async def test_who_asked_is_woken_when_the_trouble_changes_and_not_for_each_try() -> None:
    async with working() as scene:
        scene.tracker.request(KEY, "u", scene.answering(AWAY, AWAY, AWAY, REFUSED))
        await asyncio.sleep(600)
        assert len(scene.calls) > 4
        assert scene.woken == [KEY, KEY]
        assert scene.tracker.view("u").trouble == "MLflow: experiment 'mnist' is deleted"


@in_virtual_time
async def test_all_that_wait_are_told_the_same_time_since_mlflow_is_away() -> None:
    async with working() as scene:
        scene.tracker.request(KEY, "u", scene.answering(AWAY))
        await asyncio.sleep(5)
        scene.tracker.request(KEY, "v", scene.answering(AWAY))
        await asyncio.sleep(5)
        troubles = {scene.tracker.view(uid).trouble for uid in ("u", "v")}
        assert len(troubles) == 1
        assert None not in troubles


@in_virtual_time
async def test_what_was_known_before_the_trouble_is_kept() -> None:
    async with working() as scene:
        scene.tracker.request(KEY, "u", scene.answering(FOUND))
        await asyncio.sleep(2)
        scene.tracker.request(KEY, "u", scene.answering(REFUSED))
        await asyncio.sleep(2)
        view = scene.tracker.view("u")
        assert (view.tracking_id, view.trouble is not None) == ("r1", True)


@in_virtual_time
async def test_an_object_that_is_gone_is_forgotten_with_what_was_asked_for_it() -> None:
    async with working() as scene:
        scene.tracker.request(KEY, "known", scene.answering(FOUND))
        await asyncio.sleep(2)
        scene.tracker.request(KEY, "under-way", scene.answering(FOUND))
        scene.tracker.request(KEY, "failing", scene.answering(AWAY))
        await asyncio.sleep(0.5)
        calls = len(scene.calls)
        for uid in ("known", "under-way", "failing"):
            scene.tracker.forget(uid)
        await asyncio.sleep(600)
        assert len(scene.calls) == calls
        for uid in ("known", "under-way", "failing"):
            assert scene.tracker.view(uid) == TrackingView()


@in_virtual_time
async def test_no_more_than_a_few_operations_are_under_way_at_a_time() -> None:
    async with working() as scene:
        # What one namespace may have of them.
        workers = Lane.RUNS.value // 2
        for number in range(3 * workers):
            scene.tracker.request(KEY, f"u{number}", scene.answering(FOUND, after=10))
        await asyncio.sleep(9)
        assert len(scene.calls) == workers
        await asyncio.sleep(30)
        assert len(scene.calls) == 3 * workers


@in_virtual_time
async def test_no_run_waits_for_an_upload() -> None:
    async with working() as scene:
        for number in range(50):
            slow = scene.answering(FOUND, after=1000)
            scene.tracker.request(KEY, f"log-{number}", slow, Lane.LOGS)
        await asyncio.sleep(1)
        scene.tracker.request(KEY, "u", scene.answering(FOUND))
        await asyncio.sleep(2)
        assert scene.tracker.view("u") == FOUND


@in_virtual_time
@pytest.mark.parametrize("lane", [Lane.ENDS, Lane.LOGS])
async def test_while_runs_are_wanted_the_rest_gives_way_but_never_stands_still(lane: Lane) -> None:
    async with working() as scene, working_on_runs(scene, seconds=100):
        for number in range(6):
            rest = scene.answering(FOUND, after=10)
            scene.tracker.request(KEY, f"rest-{number}", rest, lane)
        neighbour = KEY._replace(namespace="library")
        scene.tracker.request(neighbour, "theirs", scene.answering(FOUND, after=10), lane)
        await asyncio.sleep(11)
        # The second of this namespace begins when the first is done, its neighbour's at once.
        assert scene.calls == [0, 0, 10]
        await asyncio.sleep(20)
        assert scene.calls == [0, 0, 10, 20, 30]
        await asyncio.sleep(70)
        # No run is wanted any more.
        assert scene.calls == [0, 0, 10, 20, 30, 40, 50]


@in_virtual_time
async def test_what_gave_way_goes_on_at_once_when_no_run_is_wanted_any_more() -> None:
    async with working() as scene, working_on_runs(scene, seconds=5):
        for number in range(3):
            end = scene.answering(FOUND, after=100)
            scene.tracker.request(KEY, f"end-{number}", end, Lane.ENDS)
        await asyncio.sleep(6)
        assert scene.calls == [0, 5, 5]


@in_virtual_time
async def test_who_asks_to_be_left_alone_is() -> None:
    later = TrackingError("answers 429: later", unreachable=True, status=429, retry_after=100)
    async with working() as scene:
        scene.tracker.request(KEY, "u", scene.answering(later, FOUND, after=0))
        await asyncio.sleep(1)
        # That it answers others is no reason to ask earlier.
        scene.tracker.request(KEY, "v", scene.answering(FOUND, after=0))
        await asyncio.sleep(98)
        assert len(scene.calls) == 2
        await asyncio.sleep(2)
        assert scene.tracker.view("u") == FOUND


@in_virtual_time
async def test_what_a_door_answers_is_told_in_its_words() -> None:
    turned_away = TrackingError("answers 401: log in first", unreachable=False, status=401)
    async with working() as scene:
        scene.tracker.request(KEY, "u", scene.answering(turned_away))
        await asyncio.sleep(60)
        assert scene.tracker.view("u").trouble == "MLflow answers 401: log in first"


@in_virtual_time
async def test_what_is_doubted_is_unknown_and_may_be_asked_for_again() -> None:
    async with working() as scene:
        scene.tracker.request(KEY, "u", scene.answering(FOUND))
        await asyncio.sleep(2)
        scene.tracker.doubt("u")
        assert scene.tracker.view("u") == TrackingView()
        scene.tracker.request(KEY, "u", scene.answering(FOUND))
        await asyncio.sleep(2)
        assert scene.tracker.view("u") == FOUND
