from typing import Literal

import pytest

from alidade_core.api.base import Condition
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import Attempt, JobState, JobStatus
from alidade_operator.decide.events import Note, note_change, note_what_gave_way
from tests.support.builders import NOW

S = JobState


def in_(state: JobState | None, reason: str = "", message: str = "m") -> JobStatus:
    return JobStatus(state=state, reason=reason, message=message)


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        (in_(None), in_(S.WAITING, "DependencyPending"), None),
        (in_(None), in_(S.WAITING, "QueueNotFound"), Note("Warning", "QueueNotFound", "m")),
        (
            in_(S.WAITING, "DependencyPending"),
            in_(S.WAITING, "DependencyCycle"),
            Note("Warning", "DependencyCycle", "m"),
        ),
        (in_(S.WAITING), in_(S.QUEUED, "Preparing"), None),
        (in_(S.QUEUED), in_(S.QUEUED, "QueueFull"), None),
        (in_(S.QUEUED), in_(S.QUEUED, "QueueHeld"), Note("Normal", "QueueHeld", "m")),
        (
            in_(S.WAITING),
            in_(S.WAITING, "KueueDefaultQueue"),
            Note("Warning", "KueueDefaultQueue", "m"),
        ),
        (
            in_(S.WAITING, "DependencyPending"),
            in_(S.WAITING, "OutOfTurn"),
            Note("Warning", "OutOfTurn", "m"),
        ),
        (in_(S.QUEUED, "Preparing"), in_(S.QUEUED, "KueuePending"), None),
        (
            in_(S.QUEUED, "QueueFull"),
            in_(S.QUEUED, "TrackingUnavailable"),
            Note("Warning", "TrackingUnavailable", "m"),
        ),
        (in_(S.QUEUED), in_(S.STARTED, "Running"), Note("Normal", "Started", "m")),
        (in_(S.STARTED, "Running"), in_(S.STARTED, "Completing"), None),
        (in_(S.QUEUED), in_(S.STARTED, "Retrying"), Note("Warning", "Retrying", "m")),
        (in_(S.STARTED), in_(S.STARTED, "Retrying"), Note("Warning", "Retrying", "m")),
        (in_(S.STARTED, "Running"), in_(S.STARTED, "Stopping"), None),
        (
            in_(S.STARTED, "Running"),
            in_(S.STARTED, "NodeUnreachable"),
            Note("Warning", "NodeUnreachable", "m"),
        ),
        (in_(S.STARTED), in_(S.QUEUED, "Suspended"), Note("Normal", "Suspended", "m")),
        (in_(S.STARTED), in_(S.FINISHED, "Completed"), Note("Normal", "Finished", "m")),
        (in_(S.STARTED), in_(S.FAILED, "OOMKilled"), Note("Warning", "Failed", "m")),
        (in_(S.WAITING), in_(S.SKIPPED), Note("Warning", "Skipped", "m")),
        (in_(S.QUEUED), in_(S.CANCELLED, "Cancelled"), Note("Normal", "Cancelled", "m")),
        (in_(S.FINISHED, "Completed"), in_(S.FINISHED, "Completed"), None),
    ],
)
def test_changes_that_a_user_wants_to_hear_of(
    old: JobStatus, new: JobStatus, note: Note | None
) -> None:
    assert note_change(old, new) == note


def test_a_job_that_starts_tells_of_its_pod_even_if_that_has_ended_by_now() -> None:
    attempts = (Attempt(pod="train-x7k2p", node="node-1"),)
    new = in_(S.STARTED, "Completing", "failed: exit code 3").model_copy(
        update={"attempts": attempts}
    )
    assert note_change(in_(S.QUEUED), new) == Note(
        "Normal", "Started", "pod train-x7k2p runs on node node-1"
    )


@pytest.mark.parametrize("reason", ["Unschedulable", "PodRejected", "FailedMount", "ADayLater"])
def test_whatever_keeps_a_pod_from_running_is_told(reason: str) -> None:
    old = in_(S.QUEUED, "PodPending")
    block = Condition(type="PodBlocked", status="True", reason=reason, last_transition_time=NOW)
    new = in_(S.QUEUED, reason).model_copy(update={"conditions": (block,)})
    assert note_change(old, new) == Note("Warning", reason, "m")
    over = block.model_copy(update={"status": "False"})
    assert note_change(old, new.model_copy(update={"conditions": (over,)})) is None


def test_another_message_alone_is_no_event() -> None:
    held = in_(S.QUEUED, "QueueHeld", "a")
    assert note_change(held, in_(S.QUEUED, "QueueHeld", "b")) is None


def test_what_gave_way_to_the_queue_is_told_once_and_when_it_changes() -> None:
    def told(status: Literal["True", "False"], message: str) -> JobStatus:
        condition = Condition(
            type=JobCondition.POD_TEMPLATE_APPLIED,
            status=status,
            reason="QueueWins",
            message=message,
            last_transition_time=NOW,
        )
        return JobStatus(conditions=(condition,))

    lost, plain = told("False", "tolerations"), JobStatus()
    assert note_what_gave_way(plain, lost) == Note("Warning", "QueueWins", "tolerations")
    assert note_what_gave_way(lost, told("False", "nodeName")) is not None
    assert note_what_gave_way(lost, lost) is None
    assert note_what_gave_way(lost, told("True", "")) is None
    assert note_what_gave_way(plain, plain) is None
