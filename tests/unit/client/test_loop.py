"""What is asynchronous, called plainly."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from alidade.loop import Loop


async def test_it_can_be_called_where_a_loop_runs_already() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    loop = Loop()
    assert loop.run(work()) == 7
    loop.close()


def test_errors_come_out_where_it_is_called() -> None:
    async def work() -> None:
        raise ValueError("eps")

    loop = Loop()
    with pytest.raises(ValueError, match="eps"):
        loop.run(work())
    loop.close()


def test_what_is_iterated_is_closed_when_nobody_wants_more() -> None:
    closed: list[bool] = []

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            for number in range(3):
                yield number
        finally:
            closed.append(True)

    loop = Loop()
    assert list(loop.iterate(numbers())) == [0, 1, 2]
    for number in loop.iterate(numbers()):
        assert number == 0
        break
    loop.close()
    assert closed == [True, True]


def test_what_was_begun_and_left_is_closed_before_the_thread_ends() -> None:
    closed: list[bool] = []

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            closed.append(True)

    async def first() -> int:
        async for number in numbers():
            return number
        raise AssertionError("there is one")

    async def for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    async def begin() -> "asyncio.Task[None]":
        return asyncio.create_task(for_ever())

    loop = Loop()
    assert loop.run(first()) == 1
    left = loop.run(begin())
    loop.close()
    assert closed == [True, True]
    assert left.cancelled()
