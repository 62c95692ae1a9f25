"""A place in a queue that is given back, as no node takes the pods of its job: who gets in next."""

from collections.abc import Mapping
from datetime import datetime

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState
from alidade_core.api.reason import Reason

# The latter where this was refused before, and is asked for again.
_TOLD = (Reason.PLACEMENT_TIMEOUT, Reason.REQUEST_REFUSED)


class GivenBack:
    """Knows who waited when a job gave its place back; these go first."""

    def __init__(self) -> None:
        self._before: dict[str, frozenset[str]] = {}

    def give_back(self, job: Job, jobs: Mapping[str, Job]) -> bool:
        """Take note that a job lost its place; return whether it says why, and until when.

        Args:
            job: The job.
            jobs: All jobs by name.
        """
        waiting = frozenset(n for n, other in jobs.items() if _waits_beside(job, other))
        self._before[job.metadata.name] = waiting
        return job.status.reason in _TOLD and bool(job.status.requeue_state)

    def overtaken(self, job: Job, jobs: Mapping[str, Job], now: datetime) -> list[str]:
        """Return who waited already, and still does, when a job gets a place before its time."""
        state = job.status.requeue_state
        if state is None or now >= state.requeue_at:
            return []
        waited = self._before.get(job.metadata.name, frozenset())
        return sorted(name for name in waited if _waits_beside(job, jobs[name]))


def _waits_beside(job: Job, other: Job) -> bool:
    status = other.status
    same = other is not job and status.queue == job.status.queue
    return same and (status.state, status.reason) == (JobState.QUEUED, Reason.QUEUE_FULL)
