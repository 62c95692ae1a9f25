"""A queue whose jobs Kueue admits.

A job that may run is handed over by one label on its batch/v1 Job
(https://kueue.sigs.k8s.io/docs/tasks/run/jobs/): from then on Kueue says when its pods run, and may
stop them again for the sake of others. The label is not there before, as Kueue knows nothing of
dependencies. What was handed over is taken back by deletion alone: Kueue starts again at once what
others suspend, and a batch/v1 Job without the label would hold its quota for ever.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from alidade_core.api.job_condition import JobCondition
from alidade_core.api.reason import Reason
from alidade_operator.decide.actions import DeleteBatchJob, ReadWorkload
from alidade_operator.decide.answers import WorkloadView
from alidade_operator.decide.draft import Draft
from alidade_operator.objects.views import BatchJob

PENDING = Reason.KUEUE_PENDING
SEIZED = Reason.KUEUE_DEFAULT_QUEUE
JOB_UID_LABEL = "kueue.x-k8s.io/job-uid"
READ_AGAIN_SECONDS = 15
# Kueue makes a Workload within moments of the label.
LOOK_AGAIN_SECONDS = 2
_NEVER = "FailedToStart"


def taken_unasked(batch_job: BatchJob) -> bool:
    """Whether Kueue has a batch/v1 Job that was never handed over to it."""
    if batch_job.local_queue is None:
        return False
    if batch_job.handed_over is None:
        return not batch_job.released_before
    # What it lets run all the same may run: it was created when its turn had come.
    return not batch_job.handed_over and batch_job.suspended


def let_go_of(draft: Draft, batch_job: BatchJob) -> None:
    """See that a batch/v1 Job that Kueue has taken unasked goes, before it runs out of turn."""
    draft.wait(SEIZED, why_let_go(batch_job))
    take_back(draft, batch_job)


def why_let_go(batch_job: BatchJob) -> str:
    """Say why a batch/v1 Job cannot be left to Kueue, and what to do."""
    return (
        f"Kueue takes every Job of this namespace into its LocalQueue '{batch_job.local_queue}' as "
        "soon as it is created, and would run this one before its turn; give that LocalQueue "
        "another name, and name it in the queue's kueueLocalQueue"
    )


def pend(draft: Draft, batch_job: BatchJob, local_queue: str | None) -> None:
    """Tell why Kueue lets a job wait that was handed over to it.

    Args:
        draft: The plan for the job.
        batch_job: Its batch/v1 Job, which Kueue keeps suspended.
        local_queue: The LocalQueue that its queue is for by now.
    """
    had = batch_job.local_queue
    if had != local_queue:
        take_back(draft, batch_job)
        draft.queue(PENDING, f"taken back from Kueue's LocalQueue {had}: its queue was changed")
        return
    draft.queue(PENDING, f"handed over to Kueue, LocalQueue {had}")
    view = _view(draft)
    again = READ_AGAIN_SECONDS if view and view.found else LOOK_AGAIN_SECONDS
    if view is None or draft.due(view.read, again):
        draft.do(ReadWorkload(batch_job.uid))
    if view and view.never:
        draft.fail(Reason.KUEUE_REFUSED, f"failed: Kueue cannot start it: {view.message}")
    elif view:
        draft.queue(PENDING, f"waits for Kueue, LocalQueue {had}: {view.message}")


def _view(draft: Draft) -> WorkloadView | None:
    """Return what Kueue said since it last suspended the job."""
    view, suspended = draft.snapshot.workload, draft.status.condition(JobCondition.SUSPENDED)
    outdated = view and suspended and view.read < suspended.last_transition_time
    return None if outdated else view


def take_back(draft: Draft, batch_job: BatchJob) -> None:
    """Take a job back that was handed over, for a reason that its status tells."""
    if not batch_job.deleting:
        draft.do(DeleteBatchJob(batch_job.uid, batch_job.resource_version, foreground=True))


def taken_back(draft: Draft, batch_job: BatchJob) -> bool:
    """Whether the batch/v1 Job is going because the job was taken back."""
    told = draft.status.is_true(JobCondition.SUSPENDED)
    return batch_job.local_queue is not None and batch_job.deleting and told


def read(workloads: Iterable[Mapping[str, Any]], now: datetime) -> WorkloadView:
    """Read off a batch/v1 Job's Workloads (kueue.x-k8s.io) why it is not admitted.

    Args:
        workloads: Those with its UID in their labels; there is one, or none yet.
        now: The time.
    """
    for workload in workloads:
        conditions = (workload.get("status") or {}).get("conditions") or ()
        by_type = {c["type"]: c for c in conditions}
        finished, reserved = by_type.get("Finished", {}), by_type.get("QuotaReserved", {})
        evicted = by_type.get("Evicted", {})
        was = f"evicted ({evicted['reason']}); " if evicted.get("status") == "True" else ""
        if finished.get("status") == "True" and finished.get("reason") == _NEVER:
            return WorkloadView(now, finished.get("message", ""), found=True, never=True)
        if (workload.get("spec") or {}).get("active") is False:
            return WorkloadView(now, "its Workload was deactivated", found=True)
        if reserved.get("status") == "True":
            waits_for = by_type.get("Admitted", {}).get("message")
            words = waits_for or "its quota is reserved, and its admission checks are not passed"
            return WorkloadView(now, was + words, found=True, reserved=True)
        if reserved.get("message"):
            return WorkloadView(now, was + reserved["message"], found=True)
    return WorkloadView(now, "it has not been looked at yet")
