"""A work queue of keys, as client-go has it.

A key is worked on by one worker at a time, and once for however many times it was added meanwhile.
Unlike there, keys may be somebody's: then they take turns, and none has all workers.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import structlog

from alidade_operator.ops.metrics import CRASHES
from alidade_operator.work.shares import Shares

K = TypeVar("K", bound=Hashable)

FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 60.0

log = structlog.get_logger(__name__)


class WorkQueue(Generic[K]):
    """Keys to be worked on, in the order they were added; those of several by turns.

    Used from one event loop; only `get` waits.

    Args:
        first_retry: Seconds after which a key is worked on again that failed.
        last_retry: The same for one that failed often.
        whose: Returns whose a key is, which is to hold up nobody else's; None where all are one's.
    """

    def __init__(
        self,
        first_retry: float = FIRST_RETRY_SECONDS,
        last_retry: float = LAST_RETRY_SECONDS,
        whose: Callable[[K], str] | None = None,
    ) -> None:
        self._whose = whose
        self._shares: Shares | None = None
        self._ready: dict[str, deque[K]] = {}
        self._due: set[K] = set()
        self._worked_on: dict[K, str] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failures: dict[K, int] = {}
        self._more = asyncio.Event()
        self._first_retry = first_retry
        self._last_retry = last_retry

    def __len__(self) -> int:
        return sum(map(len, self._ready.values()))

    @property
    def idle(self) -> bool:
        """Whether nothing is due and nothing is worked on."""
        return not self._due and not self._worked_on

    def add(self, key: K) -> None:
        """Add a key; if it is being worked on it comes up again after that."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        if key in self._due:
            return
        self._due.add(key)
        if key not in self._worked_on:
            self._line_up(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Add a key later, unless it is added sooner."""
        loop = asyncio.get_running_loop()
        when = loop.time() + seconds
        existing = self._timers.get(key)
        if key in self._due or (existing and existing.when() <= when):
            return
        if existing:
            existing.cancel()
        self._timers[key] = loop.call_at(when, self.add, key)

    def retry(self, key: K, at_least: float | None = None) -> float:
        """Add a key after a time that doubles with each failure; return it in seconds.

        Args:
            key: The key.
            at_least: Seconds that whoever failed asks to be left alone for.
        """
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay = min(self._last_retry, self._first_retry * 2.0 ** min(failures, 32))
        delay = max(delay, at_least or 0.0)
        self.add_after(key, delay)
        return delay

    def forget(self, key: K) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)

    async def serve(self, work: Callable[[K], Awaitable[None]], workers: int) -> None:
        """Work on keys until cancelled.

        Args:
            work: What is done about a key; if it raises, it is done again, later.
            workers: How many keys are worked on at a time.
        """
        self._shares = Shares(workers) if self._whose else None
        async with asyncio.TaskGroup() as tasks:
            for _ in range(workers):
                tasks.create_task(self._serve(work))

    async def _serve(self, work: Callable[[K], Awaitable[None]]) -> None:
        while True:
            key = await self.get()
            try:
                await work(key)
            except Exception:
                # One key must not keep the others from being worked on.
                CRASHES.labels("work").inc()
                log.exception("work.crashed", key=str(key), delay=self.retry(key))
            finally:
                self.done(key)

    async def get(self) -> K:
        """Wait for a key; `done` has to follow."""
        while (who := self._next()) is None:
            self._more.clear()
            await self._more.wait()
        waiting = self._ready.pop(who)
        key = waiting.popleft()
        if waiting:
            # The others' turn first.
            self._ready[who] = waiting
        self._due.discard(key)
        self._worked_on[key] = who
        if self._shares:
            self._shares.take(who)
        return key

    def done(self, key: K) -> None:
        """Say that a key is no longer worked on."""
        who = self._worked_on.pop(key)
        if self._shares:
            self._shares.give_back(who)
        if key in self._due:
            self._line_up(key)
        if self._ready:
            self._more.set()

    def _next(self) -> str | None:
        """Return whose turn it is."""
        shares = self._shares
        return next((who for who in self._ready if not shares or shares.may_take(who)), None)

    def _line_up(self, key: K) -> None:
        who = self._whose(key) if self._whose else ""
        self._ready.setdefault(who, deque()).append(key)
        self._more.set()
