"""When logs begin, noted while their containers run: a kubelet rotates away what is too long.

It gives the newest file of a log and nothing else, and does not say that there were others. That
its first line is another than once is all that tells.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import NamedTuple

from alidade_operator.kube.gateway import ApiError, Gateway, NotFoundError, UnavailableError
from alidade_operator.objects.wire import parse_time
from alidade_operator.work.workqueue import WorkQueue

# Each waits a few seconds for the first line of a container that says nothing yet. A kubelet looks
# every ten seconds whether a log is to be rotated, and a moment may be enough to fill one.
MARKERS = 64
LAST_RETRY_SECONDS = 10.0
LATE = timedelta(seconds=30)
"""After which a first line need not be the first if nobody waited for it."""

LogKey = tuple[str, str]
"""Names of a pod and of a container of it."""


class _Mark(NamedTuple):
    uid: str
    namespace: str
    name: LogKey
    started: datetime


class _Beginning(NamedTuple):
    """When the first line known of a log was written; not certain if there may be older ones."""

    stamp: str
    certain: bool


class LogMarks:
    """Notes when logs begin.

    Args:
        gateway: Where logs are read.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._queue: WorkQueue[_Mark] = WorkQueue(
            first_retry=1.0, last_retry=LAST_RETRY_SECONDS, whose=lambda mark: mark.namespace
        )
        self._begins: defaultdict[str, dict[LogKey, _Beginning | None]] = defaultdict(dict)
        self._silent: set[_Mark] = set()

    def add(self, uid: str, namespace: str, name: LogKey, started: datetime) -> None:
        """Have it noted when a log begins, once.

        Args:
            uid: The job's UID.
            namespace: Where its pod is.
            name: Whose log it is.
            started: When the container started, by the clock of its node.
        """
        if name not in self._begins[uid]:
            self._begins[uid][name] = None
            self._queue.add(_Mark(uid, namespace, name, started))

    def forget(self, uid: str) -> None:
        """Forget the logs of a job."""
        self._begins.pop(uid, None)

    def settle(self, uid: str, name: LogKey) -> None:
        """Look no more for the beginning of a log, which has been read to its end."""
        if self._begins.get(uid, {}).get(name, ...) is None:
            del self._begins[uid][name]

    async def run(self) -> None:
        """Look at logs until cancelled."""
        await self._queue.serve(self._look, MARKERS)

    async def missing(self, uid: str, namespace: str, name: LogKey) -> str | None:
        """Say what the kubelet has rotated away of a log, None where that is nothing.

        Raises:
            ApiError: The log cannot be read.
        """
        began = self._begins.get(uid, {}).get(name)
        if began is None:
            return None
        begins = await self._gateway.log_begins(namespace, *name)
        if begins is None:
            raise UnavailableError("API server: it does not tell in time when the log begins")
        if begins != began.stamp:
            until = f"until {begins}" if begins else "on"
            return f"what it wrote from {began.stamp} {until}, which the kubelet has rotated away"
        if not began.certain:
            return f"perhaps what it wrote before {began.stamp}, as no operator ran that saw it"
        return None

    async def _look(self, mark: _Mark) -> None:
        """Note when a log begins, once it does; its pod may be gone before."""
        if mark.name not in self._begins.get(mark.uid, ()):
            self._done(mark)
            return
        try:
            stamp = await self._gateway.log_begins(mark.namespace, *mark.name)
        except NotFoundError:
            self._done(mark)
            return
        except ApiError:
            self._queue.retry(mark)
            return
        if not stamp:
            self._silent.add(mark)
            if stamp is None:
                # The others' turn first.
                self._queue.add(mark)
            else:
                # That of a container that ended without a word is answered at once, each time.
                self._queue.retry(mark)
            return
        if mark.uid in self._begins:
            at = parse_time(stamp)
            late = at is not None and at - mark.started > LATE
            certain = mark in self._silent or not late
            self._begins[mark.uid][mark.name] = _Beginning(stamp, certain)
        self._done(mark)

    def _done(self, mark: _Mark) -> None:
        self._silent.discard(mark)
        self._queue.forget(mark)
