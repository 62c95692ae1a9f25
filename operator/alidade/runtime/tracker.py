"""What is asked of MLflow, off the path of the reconcilers.

MLflow is slow, and may be away for long; the reconcilers say what they want and go on, and are
woken when it is there, or when it is known that it cannot be had yet.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from alidade.domain.snapshot import TrackingView
from alidade.runtime.cache import Wake, WorkKey
from alidade.runtime.metrics import TRACKING_FAILURES
from alidade.runtime.workqueue import WorkQueue
from alidade.tracking.tracking import TrackingError

WORKERS = 4
LAST_RETRY_SECONDS = 30.0

Operation = Callable[[], Awaitable[TrackingView]]
log = structlog.get_logger(__name__)


class Tracker:
    """Runs one operation a UID at a time, until it succeeds, and remembers what came of it."""

    def __init__(self, wake: Wake) -> None:
        self._wake = wake
        self._queue: WorkQueue[str] = WorkQueue(last_retry=LAST_RETRY_SECONDS)
        self._wanted: dict[str, tuple[WorkKey, Operation]] = {}
        self._views: dict[str, TrackingView] = {}
        self._away_since: datetime | None = None

    def view(self, uid: str) -> TrackingView:
        """Return what MLflow is known to have for an object."""
        return self._views.get(uid, TrackingView())

    def request(self, key: WorkKey, uid: str, operation: Operation) -> None:
        """Ask for an operation, unless one is under way for this object."""
        if uid not in self._wanted:
            self._wanted[uid] = (key, operation)
            self._queue.add(uid)

    def forget(self, uid: str) -> None:
        """Forget an object that is gone."""
        self._wanted.pop(uid, None)
        self._views.pop(uid, None)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._queue.serve(self._try, WORKERS)

    async def _try(self, uid: str) -> None:
        wanted = self._wanted.get(uid)
        if wanted is None:
            self._queue.forget(uid)
            return
        key, operation = wanted
        try:
            view = await operation()
        except TrackingError as error:
            TRACKING_FAILURES.inc()
            if uid in self._wanted:
                self._note_trouble(key, uid, error)
            self._queue.retry(uid)
            return
        if self._away_since is not None:
            self._away_since = None
            # It is back: what waits longer and longer between two tries need not wait on.
            for waiting in self._wanted:
                self._queue.add(waiting)
        self._queue.forget(uid)
        if self._wanted.pop(uid, None) is not None:
            self._views[uid] = view
        self._wake(key)

    def _note_trouble(self, key: WorkKey, uid: str, error: TrackingError) -> None:
        if error.unreachable:
            self._away_since = self._away_since or datetime.now(UTC)
            trouble = f"MLflow unreachable since {self._away_since:%Y-%m-%dT%H:%M:%SZ}"
        else:
            trouble = f"MLflow: {error}"
        view = self.view(uid)
        if view.trouble != trouble:
            log.warning("tracking.failed", key="/".join(key), error=str(error))
            self._views[uid] = replace(view, trouble=trouble)
            self._wake(key)
