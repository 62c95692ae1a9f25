"""Whose turn it is in a queue.

A ledger holds, for one queue, the jobs that wait for a place and those that hold one. Jobs of a
higher priority come first, then older ones, then by name.
"""

from dataclasses import dataclass
from datetime import datetime

from sortedcontainers import SortedList

from alidade.api.job import Job
from alidade.api.queue import Queue, StopPolicy
from alidade.api.reason import Reason


@dataclass(frozen=True)
class Admitted:
    """There is a place for the job now."""


@dataclass(frozen=True)
class NotYet:
    """The job has to wait for its turn."""

    reason: str
    message: str


Place = Admitted | NotYet
_Rank = tuple[int, datetime, str, str]

# Beyond this the position is not told: each job that starts would cost a write for each that waits.
TOLD_POSITIONS = 20


def _rank(job: Job) -> _Rank:
    created = job.metadata.creation_timestamp
    if created is None:
        raise ValueError(f"job {job.metadata.name} has no creationTimestamp")
    return (-job.spec.priority, created, job.metadata.name, job.metadata.uid)


class QueueLedger:
    """Places of one queue, taken and asked for."""

    def __init__(self) -> None:
        self._waiting: SortedList[_Rank] = SortedList()
        self._ranks: dict[str, _Rank] = {}
        self._told: list[_Rank] = []
        self._holding: set[str] = set()
        self._reserved: set[str] = set()

    @property
    def running(self) -> int:
        """How many jobs hold a place."""
        return len(self._holding | self._reserved)

    @property
    def queued(self) -> int:
        """How many jobs wait for one."""
        return len(self._waiting)

    def has(self, uid: str) -> bool:
        """Whether the job is in line."""
        return uid in self._ranks

    def ask(self, job: Job) -> None:
        """Put the job in line, once."""
        uid = job.metadata.uid
        if uid not in self._ranks and uid not in self._holding | self._reserved:
            self._ranks[uid] = rank = _rank(job)
            self._waiting.add(rank)

    def reserve(self, uid: str) -> None:
        """Keep a place for a job that is about to be released."""
        self._step_out(uid)
        self._reserved.add(uid)

    def leave(self, uid: str) -> bool:
        """Take the job out of the line, or give up the place kept for it.

        Returns:
            Whether that makes room for another: not if the job holds the place by now.
        """
        waited = self._step_out(uid)
        reserved = uid in self._reserved
        self._reserved.discard(uid)
        return waited or (reserved and uid not in self._holding)

    def hold(self, uid: str) -> None:
        """Record that the job holds a place."""
        self._step_out(uid)
        self._holding.add(uid)

    def vacate(self, uid: str) -> bool:
        """Record that the job holds no place; return whether it did."""
        if uid not in self._holding:
            return False
        self._holding.discard(uid)
        return True

    def next_in_line(self, queue: Queue) -> tuple[str, ...]:
        """Return the names of the jobs that have waited for a place that is free now."""
        free = self._free(queue)
        if queue.spec.stop_policy is not StopPolicy.NONE or free is None:
            return ()
        return tuple(rank[2] for rank in self._waiting[:free])

    def in_line(self) -> tuple[str, ...]:
        """Return the names of the jobs whose position is told, or was when this was last asked."""
        told = list(self._waiting[:TOLD_POSITIONS])
        overtaken = [r for r in self._told if r not in told and r[3] in self._ranks]
        self._told = told
        return tuple(rank[2] for rank in (*told, *overtaken))

    def place(self, uid: str, queue: Queue) -> Place:
        """Say whether the job may start now, and if not, why not."""
        name = queue.metadata.name
        if queue.spec.stop_policy is not StopPolicy.NONE:
            return NotYet(
                Reason.QUEUE_HELD, f"queue {name} is held (stopPolicy {queue.spec.stop_policy})"
            )
        free = self._free(queue)
        index = self._waiting.index(self._ranks[uid]) if uid in self._ranks else self.queued
        if free is None or index < free:
            return Admitted()
        limit = queue.spec.max_running
        if index < TOLD_POSITIONS:
            where = f"position {index + 1} of {self.queued}"
            message = f"{where} in queue {name} ({self.running} of {limit} running)"
        else:
            message = f"behind {TOLD_POSITIONS} others in queue {name} (maxRunning {limit})"
        return NotYet(Reason.QUEUE_FULL, message)

    def _step_out(self, uid: str) -> bool:
        rank = self._ranks.pop(uid, None)
        if rank is not None:
            self._waiting.remove(rank)
        return rank is not None

    def _free(self, queue: Queue) -> int | None:
        limit = queue.spec.max_running
        return None if limit is None else max(0, limit - self.running)
