"""What is asked of MLflow, off the path of the reconcilers.

MLflow is slow, and may be away for long; the reconcilers say what they want and go on, and are
woken when it is there, or when it is known that it cannot be had yet.

A release waits for its run, and nothing for the rest. So runs, their ends and logs have lanes of
their own, and while a run is wanted the other two take one thing at a time for each namespace:
MLflow has little to give, and the run should get most of it. They never stand still, as runs may
be wanted for ever.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import NamedTuple

import structlog

from alidade_core.words import shorten
from alidade_operator.decide.answers import TrackingView
from alidade_operator.index.cache import Wake, WorkKey
from alidade_operator.ops.metrics import TRACKING_FAILURES
from alidade_operator.tracking.tracking import TrackingError
from alidade_operator.work.workqueue import WorkQueue

LAST_RETRY_SECONDS = 30.0

Operation = Callable[[], Awaitable[TrackingView]]
log = structlog.get_logger(__name__)


class Lane(Enum):
    """A kind of operation, with how many of it are under way at a time; one namespace's, half."""

    RUNS = 8
    ENDS = 6
    LOGS = 4


class _Wanted(NamedTuple):
    key: WorkKey
    operation: Operation
    lane: Lane


@dataclass
class _Traffic:
    queue: WorkQueue[str]
    under_way: Counter[str] = field(default_factory=Counter)
    away_since: datetime | None = None
    not_before: float = 0.0

    @property
    def busy(self) -> bool:
        """Whether something is due or under way."""
        return bool(len(self.queue) or self.under_way.total())

    def hurry(self, uid: str) -> None:
        """Have an operation tried as soon as MLflow wants to be asked again."""
        left = self.not_before - asyncio.get_running_loop().time()
        self.queue.add_after(uid, max(left, 0.0))


class Tracker:
    """Runs one operation a UID at a time, until it succeeds, and remembers what came of it.

    Args:
        wake: Called with the key of what something has come of.
        clock: The time.
    """

    def __init__(
        self, wake: Wake, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._wake = wake
        self._clock = clock
        self._wanted: dict[str, _Wanted] = {}
        self._lanes = {lane: _Traffic(self._new_queue()) for lane in Lane}
        self._views: dict[str, TrackingView] = {}
        self._less = asyncio.Condition()

    def view(self, uid: str) -> TrackingView:
        """Return what MLflow is known to have for an object."""
        return self._views.get(uid, TrackingView())

    def request(self, key: WorkKey, uid: str, operation: Operation, lane: Lane = Lane.RUNS) -> None:
        """Ask for an operation, unless one is under way for this object."""
        if uid not in self._wanted:
            self._wanted[uid] = _Wanted(key, operation, lane)
            self._lanes[lane].queue.add(uid)

    def doubt(self, uid: str) -> None:
        """Take for unknown what is known of an object."""
        self._views.pop(uid, None)

    def doubt_end(self, uid: str) -> None:
        """Take for unknown whether a run has ended: its job may not have, any more."""
        if view := self._views.get(uid):
            self._views[uid] = replace(view, settled=False, gone=False)

    def forget(self, uid: str) -> None:
        """Forget an object that is gone."""
        self._wanted.pop(uid, None)
        self._views.pop(uid, None)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for lane, traffic in self._lanes.items():
                tasks.create_task(traffic.queue.serve(self._try, lane.value))

    def _new_queue(self) -> WorkQueue[str]:
        return WorkQueue(last_retry=LAST_RETRY_SECONDS, whose=self._where)

    def _where(self, uid: str) -> str:
        wanted = self._wanted.get(uid)
        return wanted.key.namespace if wanted else ""

    async def _try(self, uid: str) -> None:
        wanted = self._wanted.get(uid)
        if wanted is None:
            for traffic in self._lanes.values():
                traffic.queue.forget(uid)
            return
        traffic = self._lanes[wanted.lane]
        await self._give_way(wanted.lane, wanted.key.namespace)
        if self._wanted.get(uid) is not wanted:
            # It was forgotten meanwhile, and something else may be wanted for it by now.
            traffic.queue.add(uid)
            return
        try:
            view = await self._carry_out(wanted, traffic)
        except TrackingError as error:
            TRACKING_FAILURES.inc()
            if uid in self._wanted:
                self._note_trouble(wanted, uid, error)
            at_least = error.retry_after or 0.0
            due = asyncio.get_running_loop().time() + at_least
            traffic.not_before = max(traffic.not_before, due)
            traffic.queue.retry(uid, at_least)
            return
        if traffic.away_since is not None:
            traffic.away_since = None
            # It is back: what waits longer and longer between two tries need not wait on.
            for waiting, other in self._wanted.items():
                if other.lane is wanted.lane and self.view(waiting).away:
                    traffic.hurry(waiting)
        traffic.queue.forget(uid)
        if self._wanted.pop(uid, None) is not None:
            self._views[uid] = view
        self._wake(wanted.key)

    async def _carry_out(self, wanted: _Wanted, traffic: _Traffic) -> TrackingView:
        namespace = wanted.key.namespace
        traffic.under_way[namespace] += 1
        try:
            return await wanted.operation()
        finally:
            traffic.under_way[namespace] -= 1
            async with self._less:
                self._less.notify_all()

    async def _give_way(self, lane: Lane, namespace: str) -> None:
        """Wait while runs are wanted, and something of this lane and namespace is under way."""
        if lane is Lane.RUNS:
            return
        runs, own = self._lanes[Lane.RUNS], self._lanes[lane]
        async with self._less:
            await self._less.wait_for(lambda: not runs.busy or not own.under_way[namespace])

    def _note_trouble(self, wanted: _Wanted, uid: str, error: TrackingError) -> None:
        traffic = self._lanes[wanted.lane]
        if error.unreachable:
            traffic.away_since = traffic.away_since or self._clock()
            trouble = f"MLflow unreachable since {traffic.away_since:%Y-%m-%dT%H:%M:%SZ}: {error}"
        else:
            trouble = f"MLflow {error}" if error.status else f"MLflow: {error}"
        trouble = shorten(trouble)
        view = self.view(uid)
        if view.trouble != trouble:
            log.warning("tracking.failed", key="/".join(wanted.key), error=str(error))
            self._views[uid] = replace(view, trouble=trouble, away=error.unreachable)
            self._wake(wanted.key)
