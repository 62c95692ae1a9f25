from dataclasses import replace
from typing import Any

import pytest

from alidade_core.api.job_status import Attempt, Fate, JobStatus
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.pods.history import MAX_MESSAGE, note_attempts
from alidade_operator.objects.views import Pod
from tests.support.builders import (
    DELETED,
    NOW,
    ago,
    batch_job,
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
    draft = Draft(snapshot(of, **{"batch_job": batch_job(suspend=False), "pods": pods, **fields}))
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
    [pod(), running_pod(meta=OF_ANOTHER)],
    ids=["one that has not run", "one of another's"],
)
def test_what_is_no_attempt_of_the_job(found: Pod) -> None:
    assert noted(found) == ()


def test_another_replica_is_no_attempt() -> None:
    of = job(status=JobStatus(), replicas=2)
    pods = (running_pod("a", index=0), running_pod("b", index=1))
    draft = Draft(snapshot(of, batch_job=batch_job(suspend=False), pods=pods))
    note_attempts(draft)
    assert [attempt.pod for attempt in draft.status.attempts] == ["a"]


def test_an_attempt_of_a_batch_job_that_is_gone_is_followed_to_its_end() -> None:
    end = failed_pod("a", code=143)
    for where in ({"batch_job": None, "pods": (end,)}, {"orphans": (end,)}):
        (attempt,) = noted(before=(RUNS,), **where)
        assert attempt.exit_code == 143


def test_of_a_long_message_the_end_is_kept() -> None:
    (attempt,) = noted(failed_pod("a", says="x" * 500 + "ValueError"))
    assert attempt.message is not None
    assert len(attempt.message) == MAX_MESSAGE
    assert attempt.message.endswith("ValueError")


def many(first: int, last: int) -> list[Pod]:
    at = {n: {"creationTimestamp": stamp(ago(1000 - n))} for n in range(first, last)}
    return [failed_pod(f"pod-{n:03}", code=3, meta=meta) for n, meta in at.items()]


def test_of_many_attempts_the_first_and_the_last_are_kept_and_all_are_counted() -> None:
    of = job(status=JobStatus())
    for there in (30, 30, 100, 100):
        draft = Draft(snapshot(of, batch_job=batch_job(suspend=False), pods=tuple(many(0, there))))
        note_attempts(draft)
        of = of.model_copy(update={"status": draft.status})
        names = [attempt.pod for attempt in of.status.attempts]
        kept = [*range(5), *range(there - 15, there)]
        assert names == [f"pod-{n:03}" for n in kept]
        assert of.status.attempt_count == there


def test_attempts_of_before_they_were_counted_count() -> None:
    of = job(status=JobStatus(attempts=(FAILED, RUNS)))
    draft = Draft(snapshot(of, batch_job=batch_job(suspend=False), pods=tuple(many(0, 1))))
    note_attempts(draft)
    assert draft.status.attempt_count == 3


def test_a_pod_that_is_being_stopped_is_told_of_before_it_is_gone() -> None:
    (stopping,) = noted(running_pod("a", meta=DELETED))
    assert (stopping.fate, stopping.reason) == (Fate.STOPPED, "PodStopped")
    assert stopping.completion_time is None
    assert noted(before=(stopping,)) == (stopping,)


def test_a_pod_that_is_gone_is_told_of_as_it_last_was() -> None:
    gone = replace(succeeded_pod("a"), stopped=True)
    (attempt,) = noted(gone=(gone,), before=(RUNS,))
    assert (attempt.fate, attempt.exit_code) == (Fate.STOPPED, 0)


def test_a_pod_that_was_gone_before_its_end_was_seen_tells_so_whoever_remembers_it() -> None:
    runs = running_pod("a")
    assert noted(gone=(runs,), before=(RUNS,)) == noted(before=(RUNS,))
    (attempt,) = noted(gone=(runs,))
    assert attempt.reason == "Unknown"


def test_an_attempt_names_the_image_with_its_digest() -> None:
    found = running_pod("a")
    assert found.container is not None
    image = "registry.example/w@sha256:0a"
    (attempt,) = noted(replace(found, container=replace(found.container, image_id=image)))
    assert attempt.image_id == image


def test_an_index_that_somebody_wrote_into_the_template_hides_no_attempt() -> None:
    assert [a.pod for a in noted(running_pod("a", index=3))] == ["a"]
