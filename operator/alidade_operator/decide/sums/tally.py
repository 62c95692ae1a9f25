"""How the jobs of one experiment stand: how many are in each state, and which did not end well."""

from collections import Counter
from datetime import UTC, datetime
from itertools import islice

from sortedcontainers import SortedList

from alidade_core.api.experiment import MAX_SETBACKS, Departure, Setback
from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState
from alidade_core.api.reason import Reason
from alidade_core.words import shorten

MAX_MESSAGE = 200
_LAST = datetime.max.replace(tzinfo=UTC)
_Rank = tuple[bool, bool, datetime, str, str]


def rank(setback: Setback) -> _Rank:
    """Return what setbacks are sorted by: jobs that failed by themselves first, by their time."""
    return (
        setback.state is not JobState.FAILED,
        setback.reason == Reason.DEPENDENCY_UNSATISFIED,
        setback.completion_time or _LAST,
        setback.name,
        setback.uid,
    )


class Tally:
    """The jobs of one experiment, as they come, change and go.

    Attributes:
        states: How many of those that are there are in each state.
    """

    def __init__(self) -> None:
        self.states: Counter[JobState] = Counter()
        # What is kept of a job that waits must be little: its newest version is known elsewhere.
        self._state_of: dict[str, JobState] = {}
        self._uids: dict[str, str] = {}
        self._unwell: dict[str, Setback] = {}
        self._ranks: SortedList[_Rank] = SortedList()
        self._expiring: set[str] = set()
        self._gone: dict[str, Setback] = {}

    def put(self, job: Job) -> None:
        """Take in a job, or a change of it."""
        uid, name = job.metadata.uid, job.metadata.name
        self._take_out(uid)
        self._state_of[uid], self._uids[name] = _state(job), uid
        self.states[_state(job)] += 1
        if _ended_unwell(job):
            self._unwell[uid] = _setback(job)
            self._ranks.add(rank(self._unwell[uid]))
        self._gone = {u: gone for u, gone in self._gone.items() if gone.name != name}

    def expire(self, uid: str) -> None:
        """Take note that a job is deleted because its time to live has passed."""
        self._expiring.add(uid)

    def drop(self, job: Job) -> None:
        """Take note that a job is gone; if it had not ended well, it is remembered."""
        uid = job.metadata.uid
        self._take_out(uid)
        if self._uids.get(job.metadata.name) == uid:
            del self._uids[job.metadata.name]
        expired = uid in self._expiring
        self._expiring.discard(uid)
        if _state(job) is JobState.FINISHED:
            return
        departure = Departure.EXPIRED if expired else Departure.DELETED
        self._gone[uid] = _setback(job).model_copy(update={"departure": departure})
        if len(self._gone) > MAX_SETBACKS:
            del self._gone[next(iter(self._gone))]

    def setbacks(self, known: tuple[Setback, ...]) -> tuple[Setback, ...]:
        """Return the first of the jobs that did not end well, or were deleted before.

        One that is gone counts until a job of its name takes its place.

        Args:
            known: Those known before.
        """
        first = [self._unwell[ranked[-1]] for ranked in islice(self._ranks, MAX_SETBACKS)]
        unseen = {
            setback.uid: setback.model_copy(
                update={"departure": setback.departure or Departure.UNSEEN}
            )
            for setback in known
            if setback.uid not in self._state_of and setback.name not in self._uids
        }
        found = (*first, *{**unseen, **self._gone}.values())
        return tuple(sorted(found, key=rank)[:MAX_SETBACKS])

    def _take_out(self, uid: str) -> None:
        old = self._state_of.pop(uid, None)
        if old is None:
            return
        self.states[old] -= 1
        if unwell := self._unwell.pop(uid, None):
            self._ranks.remove(rank(unwell))


def _state(job: Job) -> JobState:
    # One that has not been looked at yet waits for that.
    return job.status.state or JobState.WAITING


def _ended_unwell(job: Job) -> bool:
    return job.status.ended and job.status.state is not JobState.FINISHED


def _setback(job: Job) -> Setback:
    status = job.status
    return Setback(
        name=job.metadata.name,
        uid=job.metadata.uid,
        state=_state(job),
        reason=status.reason or "",
        message=shorten(status.message or "", MAX_MESSAGE),
        completion_time=status.completion_time,
    )
