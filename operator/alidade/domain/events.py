"""Which events a change of a job's status is worth."""

from dataclasses import dataclass
from typing import Literal

from alidade.api.job import JobState, JobStatus
from alidade.domain import kueue, pod_rejections
from alidade.domain.diagnosis import CANNOT_START, NODE_SILENT, UNSCHEDULABLE
from alidade.domain.flavors import FALLBACK

# Reasons that a user wants to hear of when they come up, though the state stays the same.
_NOTED = CANNOT_START | {
    "DependencyCycle",
    "ExperimentNotFound",
    "QueueNotFound",
    "ImageNotSet",
    "NameConflict",
    "BackingJobRejected",
    "TrackingUnavailable",
    "QueueHeld",
    "Suspended",
    "Released",
    "Retrying",
    kueue.SEIZED,
    pod_rejections.REJECTED,
    UNSCHEDULABLE,
    FALLBACK,
    NODE_SILENT,
}
_BAD = frozenset({JobState.FAILED, JobState.SKIPPED})
_GOOD_NEWS = frozenset({"Released", "Suspended", "QueueHeld"})


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
    if old.state is not new.state and new.state in (JobState.STARTED, *_BAD):
        warning = new.state in _BAD
        return Note("Warning" if warning else "Normal", str(new.state), new.message or "")
    if old.state is not new.state and new.state.ended:
        return Note("Normal", str(new.state), new.message or "")
    if new.reason in _NOTED:
        kind: Literal["Normal", "Warning"] = "Normal" if new.reason in _GOOD_NEWS else "Warning"
        return Note(kind, new.reason, new.message or "")
    return None
