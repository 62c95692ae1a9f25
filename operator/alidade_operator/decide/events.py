"""Which events a change of a job's status is worth."""

from dataclasses import dataclass
from typing import Literal

from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import JobState, JobStatus
from alidade_core.api.reason import Reason
from alidade_operator.decide.admission import kueue, placement
from alidade_operator.decide.admission.flavors import FALLBACK
from alidade_operator.decide.pods.diagnosis import NODE_SILENT

# Reasons that a user wants to hear of when they come up, though the state stays the same.
_NOTED = frozenset(
    {
        Reason.DEPENDENCY_CYCLE,
        Reason.EXPERIMENT_NOT_FOUND,
        Reason.QUEUE_NOT_FOUND,
        Reason.IMAGE_NOT_SET,
        Reason.NAME_CONFLICT,
        Reason.QUEUE_INVALID,
        Reason.BACKING_JOB_REJECTED,
        Reason.TRACKING_UNAVAILABLE,
        Reason.OUT_OF_TURN,
        Reason.QUEUE_HELD,
        Reason.SUSPENDED,
        Reason.RETRYING,
        kueue.SEIZED,
        FALLBACK,
        placement.TIMEOUT,
        NODE_SILENT,
    }
)
_BAD = frozenset({JobState.FAILED, JobState.SKIPPED})
_GOOD_NEWS = frozenset({Reason.SUSPENDED, Reason.QUEUE_HELD})


@dataclass(frozen=True)
class Note:
    """An event to be."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


def note_change(old: JobStatus, new: JobStatus) -> Note | None:
    """Return the event that tells this change, if it is worth one."""
    if new.state is None or (old.state, old.reason) == (new.state, new.reason):
        return None
    if new.reason == placement.TIMEOUT and new.requeue_state == old.requeue_state:
        # It stands where it stood.
        return None
    message, changed = new.message or "", old.state is not new.state
    if changed and new.state.ended:
        return Note("Warning" if new.state in _BAD else "Normal", str(new.state), message)
    if new.reason and (new.reason in _NOTED or _blocked(new)):
        return Note("Normal" if new.reason in _GOOD_NEWS else "Warning", new.reason, message)
    if changed and new.state is JobState.STARTED:
        # Its pod may have ended by now, of which the message tells.
        pods = (f"pod {attempt.pod} runs on node {attempt.node}" for attempt in new.attempts)
        return Note("Normal", str(new.state), next(pods, message))
    return None


def note_what_gave_way(old: JobStatus, new: JobStatus) -> Note | None:
    """Return the event that tells which fields of its podTemplate a job does not get."""
    return _note_condition(old, new, JobCondition.POD_TEMPLATE_APPLIED, bad="False")


def note_refusals(old: JobStatus, new: JobStatus) -> Note | None:
    """Return the event that tells what is refused of what a job needs."""
    return _note_condition(old, new, JobCondition.CHANGES_REFUSED, bad="True")


def _note_condition(
    old: JobStatus, new: JobStatus, kind: JobCondition, bad: Literal["True", "False"]
) -> Note | None:
    before, told = old.condition(kind), new.condition(kind)
    if told is None or told.status != bad:
        return None
    if before and (before.status, before.message) == (told.status, told.message):
        return None
    return Note("Warning", told.reason, told.message)


def _blocked(status: JobStatus) -> bool:
    """Whether the reason is that something keeps its pod from running, in the cluster's words."""
    condition = status.condition(JobCondition.POD_BLOCKED)
    return condition is not None and (condition.status, condition.reason) == ("True", status.reason)
