"""Chance: how long things take, what goes astray, whose turn it is."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from tests.support.virtual_time import now

T = TypeVar("T")
EPOCH = datetime(2026, 3, 1, 12, tzinfo=UTC)
CALM_AFTER_SECONDS = 1800.0

Move = Callable[[], object]
"""What somebody may do next."""


class Chance:
    """The same times and mishaps for the same seed; in the end all goes well.

    Args:
        seed: Decides on everything.
        mishaps: The share of requests and of news that go astray.
    """

    def __init__(self, seed: int, mishaps: float) -> None:
        self._random = random.Random(seed)
        self._mishaps = mishaps

    def mishap(self, share: float = 1.0) -> bool:
        return self._random.random() < self._mishaps * share and now() < CALM_AFTER_SECONDS

    def choice(self, things: Sequence[T]) -> T:
        return self._random.choice(things)

    async def pause(self) -> None:
        """Take a millisecond, or ten seconds, or anything between."""
        await asyncio.sleep(10 ** self._random.uniform(-3, 1))

    async def long_pause(self) -> None:
        """Take a second, or a minute, or anything between."""
        await asyncio.sleep(60 ** self._random.random())


def clock() -> datetime:
    return EPOCH + timedelta(seconds=now())
