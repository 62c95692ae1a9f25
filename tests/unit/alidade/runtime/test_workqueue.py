import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alidade.runtime.workqueue import WorkQueue
from tests.support.virtual_time import in_virtual_time, now, run


async def drained(queue: WorkQueue[str], seconds: float) -> list[tuple[float, str]]:
    """Work on the queue for some time; return when each key came up."""
    seen: list[tuple[float, str]] = []

    async def work(key: str) -> None:
        seen.append((now(), key))

    worker = asyncio.create_task(queue.serve(work, 1))
    await asyncio.sleep(seconds)
    worker.cancel()
    return seen


@in_virtual_time
async def test_keys_come_up_in_the_order_they_were_added() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in "cab":
        queue.add(key)
    assert [key for _, key in await drained(queue, 1)] == ["c", "a", "b"]


@in_virtual_time
async def test_a_key_added_many_times_comes_up_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in "aabab":
        queue.add(key)
    assert len(queue) == 2
    assert [key for _, key in await drained(queue, 1)] == ["a", "b"]


@in_virtual_time
async def test_a_key_added_while_it_is_worked_on_comes_up_once_more_after_that() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    queue.add("a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), 10)
    queue.done("a")
    assert await queue.get() == "a"
    queue.done("a")
    assert queue.idle


@in_virtual_time
async def test_no_more_keys_are_worked_on_at_a_time_than_there_are_workers() -> None:
    queue: WorkQueue[str] = WorkQueue()
    busy: set[str] = set()
    most = 0

    async def work(key: str) -> None:
        nonlocal most
        busy.add(key)
        most = max(most, len(busy))
        await asyncio.sleep(1)
        busy.remove(key)

    for key in "abcde":
        queue.add(key)
    worker = asyncio.create_task(queue.serve(work, 2))
    await asyncio.sleep(10)
    worker.cancel()
    assert (most, queue.idle) == (2, True)


@in_virtual_time
async def test_what_the_work_on_a_key_raises_ends_all_of_it() -> None:
    queue: WorkQueue[str] = WorkQueue()

    async def work(key: str) -> None:
        raise ValueError(key)

    queue.add("a")
    with pytest.RaisesGroup(ValueError):
        await queue.serve(work, 2)
    assert queue.idle


@in_virtual_time
async def test_the_queue_is_idle_when_nothing_is_due_and_nothing_is_worked_on() -> None:
    queue: WorkQueue[str] = WorkQueue()
    assert queue.idle
    queue.add("a")
    assert not queue.idle
    await queue.get()
    assert not queue.idle
    queue.done("a")
    queue.add_after("b", 10)
    assert queue.idle


@in_virtual_time
async def test_a_key_comes_up_after_the_shortest_of_the_times_asked_for() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 30)
    queue.add_after("a", 10)
    queue.add_after("a", 20)
    assert await drained(queue, 100) == [(10, "a")]


@in_virtual_time
async def test_adding_a_key_at_once_makes_waiting_for_it_needless() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("a", 10)
    queue.add("a")
    queue.add_after("a", 5)
    assert await drained(queue, 100) == [(0, "a")]


@in_virtual_time
async def test_a_key_may_be_asked_for_later_while_it_is_worked_on() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("a")
    await queue.get()
    queue.add_after("a", 5)
    await asyncio.sleep(8)
    queue.done("a")
    assert await drained(queue, 100) == [(8, "a")]


@in_virtual_time
async def test_each_failure_doubles_the_time_until_the_next_try_up_to_a_limit() -> None:
    queue: WorkQueue[str] = WorkQueue(first_retry=1, last_retry=10)
    waits = []
    for _ in range(6):
        asked = now()
        told = queue.retry("a")
        await queue.get()
        queue.done("a")
        assert now() - asked == pytest.approx(told)
        waits.append(told)
    assert waits == [1, 2, 4, 8, 10, 10]


@in_virtual_time
async def test_success_and_other_keys_start_from_the_first_time_again() -> None:
    queue: WorkQueue[str] = WorkQueue(first_retry=1, last_retry=10)
    assert [queue.retry("a"), queue.retry("a"), queue.retry("b")] == [1, 2, 1]
    queue.forget("a")
    assert queue.retry("a") == 1


@in_virtual_time
async def test_failures_without_end_overflow_nothing() -> None:
    queue: WorkQueue[str] = WorkQueue(first_retry=1, last_retry=10)
    assert [queue.retry("a") for _ in range(2000)][-1] == 10


@in_virtual_time
async def test_a_worker_that_waits_is_woken() -> None:
    queue: WorkQueue[str] = WorkQueue()
    asyncio.get_running_loop().call_later(7, queue.add, "a")
    assert await queue.get() == "a"
    assert now() == 7


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0, 0, 1, 3])), max_size=30),
    st.integers(1, 4),
)
def test_many_workers_never_share_a_key_and_miss_no_change(
    changes: list[tuple[str, float]], workers: int
) -> None:
    async def scene() -> None:
        queue: WorkQueue[str] = WorkQueue()
        wanted = dict.fromkeys("abc", 0)
        done = dict.fromkeys("abc", 0)
        busy: set[str] = set()

        async def work() -> None:
            while True:
                key = await queue.get()
                assert key not in busy
                busy.add(key)
                seen = wanted[key]
                await asyncio.sleep(2)
                done[key] = seen
                busy.discard(key)
                queue.done(key)

        tasks = [asyncio.create_task(work()) for _ in range(workers)]
        for key, pause in changes:
            wanted[key] += 1
            queue.add(key)
            await asyncio.sleep(pause)
        await asyncio.sleep(1000)
        for task in tasks:
            assert not task.done()
            task.cancel()
        assert done == wanted
        assert queue.idle

    run(scene())
