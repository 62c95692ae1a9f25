"""Whose turn it is in a queue.

A ledger holds, for one queue, the jobs that wait for a place and those that hold one. Jobs of a
higher priority come first. Within a priority places go round by experiment: first comes that of
which the fewest jobs run, then that which was given one longest ago, then the older job, then the
name. A job that gave a place back, as no pod of it could be placed, stands behind all others for a
while.
"""

from datetime import datetime

from sortedcontainers import SortedList

from alidade_core.api.job import Job
from alidade_core.api.queue import Queue, StopPolicy
from alidade_core.api.reason import Reason
from alidade_operator.decide.admission.order import Turn, Turns
from alidade_operator.decide.admitted import Admitted, NotYet, Place

# Beyond this the position is not told: each job that starts would cost a write for each that waits.
TOLD_POSITIONS = 20
_RESERVED = "reserved"
_ASKED_FOR = "asked for"
_NO_PLACE: tuple[str, set[str]] = ("", set())


class QueueLedger:
    """Places of one queue, taken and asked for."""

    def __init__(self) -> None:
        self._turns = Turns()
        self._paused: SortedList[tuple[datetime, Turn]] = SortedList()
        self._waiting: dict[str, tuple[Turn, datetime | None]] = {}
        self._places: dict[str, tuple[str, set[str]]] = {}
        self._order: list[Turn] | None = None
        self._told: list[Turn] = []

    @property
    def running(self) -> int:
        """How many jobs hold a place."""
        return len(self._places)

    @property
    def queued(self) -> int:
        """How many jobs wait for one."""
        return len(self._waiting)

    @property
    def contested(self) -> bool:
        """Whether a job waits that has not just given a place back."""
        return len(self._waiting) > len(self._paused)

    def has(self, uid: str) -> bool:
        """Whether the job is in line."""
        return uid in self._waiting

    def holds(self, uid: str) -> bool:
        """Whether something of the job holds a place."""
        return uid in self._places

    def ask(self, job: Job) -> None:
        """Put the job in line, once."""
        uid = job.metadata.uid
        if uid in self._waiting or uid in self._places:
            return
        until = job.status.requeue_state.requeue_at if job.status.requeue_state else None
        self._waiting[uid] = (turn := _turn(job, until), until)
        if until is None:
            self._turns.add(turn)
        else:
            self._paused.add((until, turn))
        self._order = None

    def resume(self, now: datetime) -> None:
        """Let those stand with the others again whose pause is over by now."""
        while self._paused and self._paused[0][0] <= now:
            _, turn = self._paused.pop(0)
            self._waiting[turn.uid] = (turn, None)
            self._turns.add(turn)
            self._order = None

    def reserve(self, uid: str) -> None:
        """Keep a place for a job that is first in line, and about to be released."""
        waiting = self._waiting.get(uid)
        experiment = waiting[0].experiment if waiting else self._places[uid][0]
        self.hold(uid, _RESERVED, experiment)

    def doubt(self, uid: str) -> None:
        """Have a job keep the place that is reserved for it, as it may run by now, or soon."""
        self.hold(uid, _ASKED_FOR, self._places[uid][0])

    def believe(self, uid: str) -> bool:
        """Take note that it is known what came of the release; say if that makes room."""
        return self.vacate(uid, _ASKED_FOR)

    def leave(self, uid: str) -> bool:
        """Take the job out of the line, or give up the place kept for it.

        Returns:
            Whether that makes room for another: not if the job holds the place by now.
        """
        waited = self._step_out(uid)
        return self.vacate(uid, _RESERVED) or waited

    def hold(self, uid: str, holder: str, experiment: str) -> None:
        """Record that the job holds a place.

        Args:
            uid: The job.
            holder: What of it holds the place, for as long as it does: a batch/v1 Job that may
                run, or a pod that has not ended. A job holds one place however many these are.
            experiment: The job's experiment.
        """
        self._step_out(uid)
        if uid not in self._places:
            self._places[uid] = (experiment, set())
            self._turns.count(experiment, +1)
            self._order = None
        self._places[uid][1].add(holder)

    def vacate(self, uid: str, holder: str) -> bool:
        """Record that this holds the job's place no longer; return whether nothing does by now."""
        experiment, holders = self._places.get(uid, _NO_PLACE)
        if holder not in holders:
            return False
        holders.discard(holder)
        if holders:
            return False
        del self._places[uid]
        self._turns.count(experiment, -1)
        self._order = None
        return True

    def next_in_line(self, queue: Queue) -> tuple[str, ...]:
        """Return the names of the jobs that have waited for a place that is free now."""
        free = self._free(queue)
        if queue.spec.stop_policy is not StopPolicy.NONE or not free:
            return ()
        return tuple(turn.name for turn in self._first(free))

    def in_line(self) -> tuple[str, ...]:
        """Return the names of the jobs whose position is told, or was when this was last asked."""
        told = self._first(TOLD_POSITIONS)
        known = {turn.uid for turn in told}
        overtaken = [t for t in self._told if t.uid not in known and t.uid in self._waiting]
        self._told = told
        return tuple(turn.name for turn in (*told, *overtaken))

    def place(self, uid: str, queue: Queue) -> Place:
        """Say whether the job may start now, and if not, why not."""
        name, limit, free = queue.metadata.name, queue.spec.max_running, self._free(queue)
        if queue.spec.stop_policy is not StopPolicy.NONE:
            policy = queue.spec.stop_policy
            return NotYet(Reason.QUEUE_HELD, f"queue {name} is held (stopPolicy {policy})")
        _, holders = self._places.get(uid, _NO_PLACE)
        if holders == {_ASKED_FOR}:
            return Admitted()
        if holders and queue.spec.kueue_local_queue is None:
            return NotYet(Reason.STOPPING, "a pod of it has yet to end, and holds its place")
        if free is None or (uid in self._waiting and self.queued <= free):
            return Admitted()
        first = self._first(max(free, TOLD_POSITIONS))
        index = next((i for i, turn in enumerate(first) if turn.uid == uid), self.queued)
        if index < free:
            return Admitted()
        if index < TOLD_POSITIONS:
            where = f"position {index + 1} of {self.queued}"
            message = f"{where} in queue {name} ({self.running} of {limit} running)"
        else:
            message = f"behind {TOLD_POSITIONS} others in queue {name} (maxRunning {limit})"
        return NotYet(Reason.QUEUE_FULL, message)

    def _first(self, count: int) -> list[Turn]:
        if self._order is None or len(self._order) < min(count, self.queued):
            order = self._turns.first(count)
            paused = (turn for _, turn in self._paused[: count - len(order)])
            self._order = [*order, *paused]
        return self._order[:count]

    def _step_out(self, uid: str) -> bool:
        if uid not in self._waiting:
            return False
        turn, until = self._waiting.pop(uid)
        if until is None:
            self._turns.remove(turn)
        else:
            self._paused.remove((until, turn))
        self._order = None
        return True

    def _free(self, queue: Queue) -> int | None:
        limit = queue.spec.max_running
        return None if limit is None else max(0, limit - self.running)


def _turn(job: Job, asks_again: datetime | None) -> Turn:
    created = job.metadata.creation_timestamp
    if created is None:
        raise ValueError(f"job {job.metadata.name} has no creationTimestamp")
    # The API server's clock and the operator's own, which nothing in one job's status can compare.
    # If they are apart, one that asks again stands behind jobs that came later, for no longer than
    # the clocks are apart, or before ones that it should be behind: never before one older than it.
    since = max(asks_again, created) if asks_again else created
    return Turn(-job.spec.priority, since, job.metadata.name, job.metadata.uid, job.spec.experiment)
