from typing import Any

import pytest

from alidade.api.job import Attempt, Fate, JobStatus
from alidade.domain.draft import Draft
from alidade.domain.history import MAX_MESSAGE, note_attempts
from alidade.domain.observed import Pod
from tests.support.builders import (
    NOW,
    ago,
    backing,
    disruption,
    failed_pod,
    job,
    owner_reference,
    pod,
    running_pod,
    snapshot,
    stamp,
    succeeded_pod,
)

RUNS = Attempt(pod="a", node="node-1", start_time=NOW)
FAILED = Attempt(pod="gone", node="node-2", reason="Error", message="failed: exit code 3")


OF_ANOTHER = {"ownerReferences": [owner_reference("Job", "train", "uid-other")]}


def ended(reason: str, message: str, exit_code: int) -> Attempt:
    fate = Fate.FAILED if exit_code else Fate.SUCCEEDED
    end = {"reason": reason, "message": message, "exit_code": exit_code, "fate": fate}
    return RUNS.model_copy(update={"completion_time": NOW, **end})


def noted(*pods: Pod, before: tuple[Attempt, ...] = (), **fields: Any) -> tuple[Attempt, ...]:
    of = job(status=JobStatus(attempts=before))
    draft = Draft(snapshot(of, **{"backing": backing(suspend=False), "pods": pods, **fields}))
    note_attempts(draft)
    return draft.status.attempts


@pytest.mark.parametrize(
    ("found", "attempt"),
    [
        (running_pod("a"), RUNS),
        (succeeded_pod("a"), ended("Completed", "ended well", 0)),
        (
            failed_pod("a", code=3, says="no luck"),
            ended("Error", "failed: exit code 3: no luck", 3),
        ),
        (
            pod("a", phase="Failed", conditions=[disruption("Preempted", "for b")]),
            Attempt(
                pod="a",
                node="node-1",
                reason="Preempted",
                message="stopped: Preempted: for b",
                fate=Fate.STOPPED,
            ),
        ),
    ],
    ids=["runs", "ended well", "failed", "never ran"],
)
def test_an_attempt_tells_where_and_when_it_ran_and_how_it_ended(
    found: Pod, attempt: Attempt
) -> None:
    assert noted(found) == (attempt,)
    assert noted(found, before=(RUNS,)) == (attempt,)


def made(seconds: float) -> dict[str, Any]:
    return {"creationTimestamp": stamp(ago(seconds))}


def test_attempts_come_in_their_order_and_stay_when_their_pods_are_gone() -> None:
    first, second = (
        running_pod("z", meta=made(60)),
        running_pod("a", meta=made(50)),
    )
    names = [attempt.pod for attempt in noted(second, first, before=(FAILED,))]
    assert names == ["gone", "z", "a"]
    assert noted(before=(FAILED,)) == (FAILED,)


def test_an_end_that_nobody_saw_is_told_as_such() -> None:
    (lost,) = noted(before=(RUNS,))
    assert (lost.reason, lost.message) == ("Unknown", "was gone before its end was seen")
    assert lost.start_time == NOW


@pytest.mark.parametrize(
    "found",
    [pod(), running_pod(meta=OF_ANOTHER), running_pod(index=1)],
    ids=["one that has not run", "one of another's", "another replica"],
)
def test_what_is_no_attempt_of_the_job(found: Pod) -> None:
    assert noted(found) == ()


def test_an_attempt_of_a_batch_job_that_is_gone_is_followed_to_its_end() -> None:
    end = failed_pod("a", code=143)
    for where in ({"backing": None, "pods": (end,)}, {"strays": (end,)}):
        (attempt,) = noted(before=(RUNS,), **where)
        assert attempt.exit_code == 143


def test_of_a_long_message_the_end_is_kept() -> None:
    (attempt,) = noted(failed_pod("a", says="x" * 500 + "ValueError"))
    assert attempt.message is not None
    assert len(attempt.message) == MAX_MESSAGE
    assert attempt.message.endswith("ValueError")
