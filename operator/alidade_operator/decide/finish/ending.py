"""A job that has ended: nothing runs on, its MLflow run agrees, and its time to live passes."""

from datetime import timedelta

from alidade_core.api.experiment import MAX_SETBACKS
from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState
from alidade_operator.decide.actions import DeleteBatchJob, DeleteJob
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.finish import pod_logs, run_end
from alidade_operator.decide.make.parameters import resolve

# For a job that depends on this one, and its experiment, to take note of its end.
_HEARD_AFTER = timedelta(seconds=1)


def after_the_end(draft: Draft) -> None:
    """See to what is left to do when a job has ended; its end itself stays as it is."""
    snapshot = draft.snapshot
    batch_job = snapshot.batch_job
    if batch_job and not batch_job.ended and not batch_job.deleting:
        # Somebody else's finalizer keeps it, but not its pods from being stopped.
        draft.do(DeleteBatchJob(batch_job.uid, batch_job.resource_version, foreground=True))
        return
    run_end.settle(draft)
    _expire(draft)


def awaited_by(dependent: Job, job: Job) -> bool:
    """Whether one that depends on a job has yet to take note of its end, or of a value it gave.

    Args:
        dependent: A job that depends on the other.
        job: The other, which has ended.
    """
    name, status = job.metadata.name, dependent.status
    if status.ended:
        return False
    noted = next((e for e in status.dependencies if e.name == name and e.decided), None)
    if noted is None:
        return True
    # It may have been met long before, when the job started.
    values = resolve(dependent, {name: job}).values
    return noted.met and noted.uid == job.metadata.uid and values != status.parameters


def _expire(draft: Draft) -> None:
    ttl = draft.snapshot.job.spec.ttl_seconds_after_finished
    ended = draft.status.completion_time
    if ttl is None or ended is None:
        return
    if not run_end.settled(draft) or not pod_logs.archived(draft):
        return
    if not draft.due(ended, ttl):
        return
    if draft.snapshot.awaited or not _counted(draft):
        draft.wake(_HEARD_AFTER)
    else:
        draft.do(DeleteJob())


def _counted(draft: Draft) -> bool:
    """Whether the experiment knows of the job's end, which is to count when the job is gone."""
    experiment, job = draft.snapshot.experiment, draft.snapshot.job
    if experiment is None or draft.status.state is JobState.FINISHED:
        return True
    setbacks = experiment.status.setbacks
    known = any(setback.uid == job.metadata.uid for setback in setbacks)
    return known or len(setbacks) == MAX_SETBACKS
