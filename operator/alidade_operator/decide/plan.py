"""The one place where it is decided what becomes of a job.

`plan` is pure and total: a snapshot in, the job's next status and the actions that lead on out.
It is level-triggered: it asks what is, never what happened, so that events may come twice, late,
in any order, or not at all over a restart.
"""

from dataclasses import dataclass
from datetime import timedelta

from alidade_core.api.job_status import JobState, JobStatus
from alidade_core.api.reason import Reason
from alidade_operator.decide import refused, unreadable
from alidade_operator.decide.actions import Action, ReadBatchJob
from alidade_operator.decide.admission import kueue
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.finish import ending, pod_logs, run_end
from alidade_operator.decide.follow import bereft, restart, running
from alidade_operator.decide.gate import accepted, intake, out_of_turn, preparing
from alidade_operator.decide.make import run, service
from alidade_operator.decide.pods.history import note_attempts
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.objects.views import BatchJob


@dataclass(frozen=True)
class Plan:
    """What is to be.

    Attributes:
        status: The job's status, to be written before any action is taken.
        actions: What to do then, in order.
        wants_place: Whether the job waits for nothing but a place in its queue.
        wake_after: When to plan again even if nothing happens.
    """

    status: JobStatus
    actions: tuple[Action, ...] = ()
    wants_place: bool = False
    wake_after: timedelta | None = None


def plan(snapshot: Snapshot) -> Plan:
    """Decide what becomes of a job."""
    draft = Draft(snapshot)
    run.note(draft)
    if snapshot.job.metadata.deletion_timestamp is not None:
        # What it owns is being deleted with it, and would only be made again.
        pod_logs.archive(draft)
        return Plan(snapshot.job.status, tuple(draft.actions))
    unreadable.resolve(draft)
    note_attempts(draft)
    accepted.compare(draft)
    intake.accept(draft)
    _bring_on(draft)
    pod_logs.archive(draft)
    refused.tell(draft)
    return Plan(draft.status, tuple(draft.actions), draft.wants_place, draft.wake_after)


def _bring_on(draft: Draft) -> None:
    snapshot = draft.snapshot
    if snapshot.job.status.ended:
        ending.after_the_end(draft)
        return
    if snapshot.batch_job and _under_way(snapshot.batch_job) and not snapshot.job.spec.cancel:
        running.follow(draft)
        service.keep(draft)
        return
    if snapshot.job.spec.cancel:
        draft.end(JobState.CANCELLED, Reason.CANCELLED, "cancelled by spec.cancel")
    elif snapshot.batch_job is None and snapshot.was_released:
        if not snapshot.batch_job_missed:
            # Lists and watches go by a label, which somebody may have taken off it.
            draft.do(ReadBatchJob())
        elif snapshot.turned_back:
            bereft.begin_anew(draft)
        else:
            bereft.cancel(draft)
    elif (
        snapshot.batch_job
        and snapshot.batch_job.out_of_turn
        and not kueue.taken_unasked(snapshot.batch_job)
    ):
        out_of_turn.stop(draft, snapshot.batch_job)
    elif not restart.pauses(draft):
        preparing.prepare(draft)


def plan_deleted(snapshot: Snapshot) -> Plan | None:
    """Decide what is left to do for a job that was deleted; None where nothing is.

    Its run is ended as that of a cancelled job, if it was not over.
    """
    draft = Draft(snapshot)
    run.note(draft)
    note_attempts(draft)
    if not draft.status.ended:
        draft.end(JobState.CANCELLED, Reason.DELETED, "was deleted")
    run_end.settle(draft)
    pod_logs.archive(draft)
    if run_end.settled(draft) and pod_logs.archived(draft):
        return None
    return Plan(draft.status, tuple(draft.actions))


def _under_way(batch_job: BatchJob) -> bool:
    if batch_job.out_of_turn or kueue.taken_unasked(batch_job):
        return False
    return not batch_job.suspended or batch_job.ended
