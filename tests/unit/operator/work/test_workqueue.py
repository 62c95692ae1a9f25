import asyncio

import pytest

from alidade_operator.work.workqueue import WorkQueue
from tests.support.virtual_time import in_virtual_time, now


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
async def test_a_key_whose_work_raises_is_worked_on_again_and_keeps_no_other_waiting() -> None:
    queue: WorkQueue[str] = WorkQueue()
    done: list[str] = []

    async def work(key: str) -> None:
        if key == "odd" and done.count("odd") < 3:
            done.append(key)
            raise ValueError(key)
        done.append(key)

    queue.add("odd")
    queue.add("a")
    task = asyncio.create_task(queue.serve(work, 1))
    await asyncio.sleep(10)
    task.cancel()
    assert done == ["odd", "a", "odd", "odd", "odd"]


@in_virtual_time
async def test_who_asks_to_be_left_alone_is_left_alone_for_so_long() -> None:
    queue: WorkQueue[str] = WorkQueue()
    assert queue.retry("a", 30.0) == 30.0
    assert queue.retry("b", 0.001) > 0.001
    assert queue.retry("c", None) > 0


@in_virtual_time
async def test_who_has_many_keys_takes_turns_with_who_has_few() -> None:
    queue: WorkQueue[str] = WorkQueue(whose=lambda key: key[0])
    for key in ("a1", "a2", "a3", "b1"):
        queue.add(key)
    assert [key for _, key in await drained(queue, 1)] == ["a1", "b1", "a2", "a3"]


@in_virtual_time
async def test_whose_keys_take_long_does_not_hold_up_another() -> None:
    queue: WorkQueue[str] = WorkQueue(whose=lambda key: key[0])
    begun: dict[str, float] = {}

    async def work(key: str) -> None:
        begun[key] = now()
        await asyncio.sleep(100 if key.startswith("a") else 1)

    for number in range(10):
        queue.add(f"a{number}")
    task = asyncio.create_task(queue.serve(work, 4))
    await asyncio.sleep(5)
    queue.add("b")
    await asyncio.sleep(1000)
    task.cancel()
    assert begun["b"] == 5
    assert sorted(begun.values()) == [0, 0, 5, *[100] * 2, *[200] * 2, *[300] * 2, *[400] * 2]
