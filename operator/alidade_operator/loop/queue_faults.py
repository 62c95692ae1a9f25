"""Queues that are wrong in themselves, as jobs of them have found out."""

from collections import defaultdict

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobStatus
from alidade_core.api.reason import Reason
from alidade_operator.index.cache import Wake, WorkKey
from alidade_operator.index.graph import Key


class QueueFaults:
    """What is wrong with which queue; it lives as long as the jobs that wait for that to change.

    Args:
        wake: Called with the key of a queue of which there is something new to tell.
    """

    def __init__(self, wake: Wake) -> None:
        self._wake = wake
        self._known: defaultdict[Key, dict[str, str]] = defaultdict(dict)
        self._queue_of: dict[str, Key] = {}

    def of(self, queue: Key) -> str | None:
        """Return what is wrong with a queue, None where nothing is known to be."""
        known = self._known.get(queue)
        return known[min(known)] if known else None

    def note(self, job: Job, status: JobStatus) -> None:
        """Take note of what a job's status tells of its queue."""
        uid, before = job.metadata.uid, self._queue_of.get(job.metadata.uid)
        queue = (job.metadata.namespace, status.queue or "")
        now = queue if status.reason == Reason.QUEUE_INVALID else None
        if before == now:
            return
        self.forget(uid)
        if now is not None:
            self._known[now][uid] = status.message or ""
            self._queue_of[uid] = now
            self._wake(WorkKey("queue", *now))

    def forget(self, uid: str) -> None:
        """Take note that a job is gone, or tells of nothing any more."""
        queue = self._queue_of.pop(uid, None)
        if queue is None:
            return
        del self._known[queue][uid]
        if not self._known[queue]:
            del self._known[queue]
        self._wake(WorkKey("queue", *queue))
