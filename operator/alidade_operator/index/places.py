"""Who stands in the line of which queue, and what holds a place there.

A job holds its place as long as its batch/v1 Job may run, or a pod of it has not ended: one that is
stopped for another's sake, or cancelled, takes its time to end, and the next is not let in before.
"""

from collections import defaultdict

from alidade_core.api.job import Job
from alidade_operator.decide.admission.ledger import QueueLedger
from alidade_operator.index.graph import Key


class Places:
    """The ledgers of all queues, with what is known to hold a place in them."""

    def __init__(self) -> None:
        self._ledgers: defaultdict[Key, QueueLedger] = defaultdict(QueueLedger)
        self._line_of: dict[str, Key] = {}
        self._doubted: dict[str, Key] = {}
        self._held: dict[str, tuple[Key, str]] = {}

    def ledger(self, queue: Key) -> QueueLedger:
        """Return the ledger of a queue."""
        return self._ledgers[queue]

    def line_of(self, uid: str) -> Key | None:
        """Return the queue in whose line a job stands, or that keeps a place for it."""
        return self._line_of.get(uid)

    def line_up(self, job: Job, queue: Key) -> None:
        """Put a job in the line of a queue."""
        self._line_of[job.metadata.uid] = queue
        self._ledgers[queue].ask(job)

    def reserve(self, uid: str) -> None:
        """Keep a place for a job that has lined up for it, and is first, or holds one."""
        self._ledgers[self._line_of[uid]].reserve(uid)

    def doubt(self, uid: str) -> None:
        """Have a job keep the place that is reserved for it until `believe`."""
        queue = self._line_of.get(uid)
        if queue is not None:
            self._doubted[uid] = queue
            self._ledgers[queue].doubt(uid)

    def believe(self, uid: str) -> Key | None:
        """Let the place go that a job has kept.

        Returns:
            The queue that has room for another by that.
        """
        queue = self._doubted.pop(uid, None)
        return queue if queue is not None and self._ledgers[queue].believe(uid) else None

    def step_out(self, uid: str) -> Key | None:
        """Take a job out of line, or give up the place kept for it.

        Returns:
            The queue that has room for another by that.
        """
        queue = self._line_of.pop(uid, None)
        return queue if queue is not None and self._ledgers[queue].leave(uid) else None

    def holds(self, holder: str, queue: Key, uid: str) -> bool:
        """Whether this is known to hold a job's place in a queue."""
        return self._held.get(holder) == (queue, uid)

    def hold(self, holder: str, queue: Key, uid: str, experiment: str) -> None:
        """Record that a batch/v1 Job, or a pod, holds the place of its job."""
        self._held[holder] = (queue, uid)
        self._ledgers[queue].hold(uid, holder, experiment)

    def release(self, holder: str) -> Key | None:
        """Record that it holds no place.

        Returns:
            The queue that has room for another by that.
        """
        queue, uid = self._held.pop(holder, (None, ""))
        return queue if queue is not None and self._ledgers[queue].vacate(uid, holder) else None
