"""The one place where it is decided what becomes of a job.

`plan` is pure and total: a snapshot in, the job's next status and the actions that lead on out.
It is level-triggered: it asks what is, never what happened, so that events may come twice, late,
in any order, or not at all over a restart.
"""

from dataclasses import dataclass
from datetime import timedelta

from alidade_core.api.job_status import JobState, JobStatus
from alidade_core.api.reason import Reason
from alidade_operator.domain import (
    accepted,
    again,
    ending,
    inputs,
    kueue,
    meeting,
    mlflow_run,
    pod_logs,
    preparing,
    refused,
    running,
    unreadable,
)
from alidade_operator.domain.actions import Action, ReadBacking
from alidade_operator.domain.draft import Draft
from alidade_operator.domain.history import note_attempts
from alidade_operator.domain.observed import BackingJob
from alidade_operator.domain.snapshot import Snapshot


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
    mlflow_run.note(draft)
    if snapshot.job.metadata.deletion_timestamp is not None:
        # What it owns is being deleted with it, and would only be made again.
        pod_logs.archive(draft)
        return Plan(snapshot.job.status, tuple(draft.actions))
    unreadable.resolve(draft)
    note_attempts(draft)
    accepted.compare(draft)
    inputs.settle(draft)
    _bring_on(draft)
    pod_logs.archive(draft)
    refused.mind(draft)
    return Plan(draft.status, tuple(draft.actions), draft.wants_place, draft.wake_after)


def _bring_on(draft: Draft) -> None:
    snapshot = draft.snapshot
    if snapshot.job.status.ended:
        ending.after_the_end(draft)
        return
    if snapshot.backing and _under_way(snapshot.backing) and not snapshot.job.spec.cancel:
        running.follow(draft)
        meeting.mind(draft)
        return
    if snapshot.job.spec.cancel:
        draft.end(JobState.CANCELLED, Reason.CANCELLED, "cancelled by spec.cancel")
    elif snapshot.backing is None and snapshot.was_released:
        if not snapshot.backing_missed:
            # Lists and watches go by a label, which somebody may have taken off it.
            draft.do(ReadBacking())
        elif snapshot.turned_back:
            running.begin_after_restore(draft)
        else:
            running.cancel_with_backing(draft)
    elif snapshot.backing and snapshot.backing.out_of_turn and not kueue.seized(snapshot.backing):
        preparing.stop_out_of_turn(draft, snapshot.backing)
    elif not again.pauses(draft):
        preparing.prepare(draft)


def plan_deleted(snapshot: Snapshot) -> Plan | None:
    """Decide what is left to do for a job that was deleted; None where nothing is.

    Its run is ended as that of a cancelled job, if it was not over.
    """
    draft = Draft(snapshot)
    mlflow_run.note(draft)
    note_attempts(draft)
    if not draft.status.ended:
        draft.end(JobState.CANCELLED, Reason.DELETED, "was deleted")
    mlflow_run.settle(draft)
    pod_logs.archive(draft)
    if mlflow_run.settled(draft) and pod_logs.archived(draft):
        return None
    return Plan(draft.status, tuple(draft.actions))


def _under_way(backing: BackingJob) -> bool:
    if backing.out_of_turn or kueue.seized(backing):
        return False
    return not backing.suspended or backing.ended
