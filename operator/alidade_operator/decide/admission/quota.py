"""Who gives up its room in a quota that allows few batch/v1 Jobs: never one that could run.

Those of jobs that ended go first, once nothing is to be read from them any more, then those that
only show that a job waits, from the end of the line. These are made again when there is room.

One that Kueue lets wait yields only to a job that Kueue has no say in: of others nobody knows
whether they could run. Its job stands by until that one is created, or it would take the room again
that it gave.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from alidade_core.api.job import Job
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import JobStatus
from alidade_core.api.reason import Reason
from alidade_operator.decide import refusal
from alidade_operator.decide.rejection import Refused
from alidade_operator.objects.views import BatchJob

# Longer than one that could run takes to ask again, which is to find the room.
SHORT_SECONDS = refusal.LONGEST_PAUSE_SECONDS + 60
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def who_yields(
    standing: Iterable[tuple[BatchJob, Job]], to: Refused, reserved: Iterable[str] = ()
) -> BatchJob | None:
    """Return the batch/v1 Job to be deleted next, None where all are needed.

    Args:
        standing: The batch/v1 Jobs of a namespace, each with its job.
        to: Who needs the room.
        reserved: UIDs of those for which Kueue has reserved what they need.
    """
    there = [(b, job) for b, job in standing if not b.deleting]
    over = [(b, job) for b, job in there if b.ended and is_settled(job.status)]
    if over:
        return min(over, key=lambda found: found[1].status.completion_time or _LONG_AGO)[0]
    waits = [(b, job) for b, job in there if b.suspended and not b.ended and not job.status.ended]
    ours = [(b, job) for b, job in waits if b.local_queue is None]
    kueues = [(b, job) for b, job in waits if b.local_queue and b.uid not in reserved]
    return _last(ours) or (None if to.through_kueue else _last(kueues))


def who_comes_first(refused: Iterable[Refused]) -> Refused | None:
    """Return who is to have the room that there is next; those last that Kueue may let wait."""
    known = (found for found in refused if not found.job.status.ended)
    return min(known, key=lambda found: (found.through_kueue, turn(found.job)), default=None)


def is_settled(status: JobStatus) -> bool:
    """Whether neither MLflow nor the archive of logs needs anything more of a job that ended."""
    logs = status.condition(JobCondition.LOGS_ARCHIVED)
    return status.over and (logs is None or logs.reason != Reason.ARCHIVING)


def turn(job: Job) -> tuple[int, datetime, str]:
    """Return what jobs are sorted by: those whose turn is first come first."""
    meta = job.metadata
    return (-job.spec.priority, meta.creation_timestamp or _LONG_AGO, meta.name)


def _last(waits: list[tuple[BatchJob, Job]]) -> BatchJob | None:
    # One that was let run before counts its failed pods.
    never_ran = [found for found in waits if not found[0].released_before] or waits
    return max(never_ran, key=lambda found: turn(found[1]))[0] if never_ran else None
