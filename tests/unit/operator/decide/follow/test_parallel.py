"""A released job of several replicas, from its pods to its end."""

from datetime import timedelta
from typing import Any

import pytest

from alidade_core.api.job_status import JobState, JobStatus
from alidade_core.contract import PEER_LOST
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.follow.running import follow
from alidade_operator.objects.views import Pod
from tests.support.builders import (
    DELETED,
    NOW,
    UNREACHABLE,
    ago,
    batch_job,
    complete,
    disruption,
    failed,
    failed_pod,
    job,
    pod,
    queue,
    running_pod,
    snapshot,
    stamp,
    succeeded_pod,
    waiting,
)
from tests.support.plans import blocked

S = JobState
A, B = "train-0-aaaaa", "train-1-bbbbb"
STUCK = {"worker": waiting("ImagePullBackOff", "no such image")}
EVICTED = disruption("Evicted", "m")


def followed(
    *pods: Pod, replicas: int = 2, status: JobStatus | None = None, **fields: Any
) -> Draft:
    known = {"batch_job": batch_job(suspend=False), "pods": pods, "keeps_logs": False}
    draft = Draft(snapshot(job(replicas=replicas, status=status), **{**known, **fields}))
    follow(draft)
    return draft


def unscheduled(index: int) -> Pod:
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/3 nodes",
    }
    return pod(B, index=index, node=None, conditions=[condition])


@pytest.mark.parametrize(
    ("pods", "state", "reason", "message"),
    [
        ([], S.QUEUED, "PodPending", "no pod yet"),
        ([pod(A, index=0)], S.QUEUED, "PodPending", f"pod {A} starts on node node-1"),
        ([pod(A, index=0), unscheduled(1)], S.QUEUED, "Unschedulable", f"pod {B}: 0/3 nodes"),
        ([running_pod(A, index=0)], S.STARTED, "Running", "1 of 2 pods run: no pod yet"),
        ([running_pod(A, index=0), pod(B, index=1)], S.STARTED, "Running",
         f"1 of 2 pods run: pod {B} starts on node node-1"),
        ([running_pod(A, index=0), unscheduled(1)], S.STARTED, "Unschedulable",
         f"1 of 2 pods run: pod {B}: 0/3 nodes"),
        ([running_pod(A, index=0), pod(B, index=1, **STUCK)], S.STARTED, "ImagePullBackOff",
         f"1 of 2 pods run: pod {B}: no such image"),
        ([running_pod(A, index=0), running_pod(B, index=1)], S.STARTED, "Running",
         "2 of 2 pods run"),
        ([running_pod(A, index=0), succeeded_pod(B, index=1)], S.STARTED, "Running",
         f"1 of 2 pods run: pod {B} ended well"),
        ([running_pod(A, index=0), failed_pod(B, code=3, index=1)], S.STARTED, "Running",
         f"1 of 2 pods run: pod {B} failed: exit code 3"),
        ([running_pod(A, index=0), running_pod(B, index=1, conditions=UNREACHABLE)], S.STARTED,
         "NodeUnreachable",
         f"1 of 2 pods run: pod {B} on node node-1 ran when the node last reported"),
        ([running_pod(A, index=0, meta=DELETED), pod(B, index=1)], S.STARTED, "Stopping",
         f"0 of 2 pods run: pod {A} on node node-1 is being stopped"),
        ([running_pod(A, index=0, meta=DELETED), unscheduled(1)], S.STARTED, "Unschedulable",
         f"0 of 2 pods run: pod {B}: 0/3 nodes"),
        ([succeeded_pod(A, index=0), failed_pod(B, code=3, index=1)], S.STARTED, "Completing",
         "failed: exit code 3"),
        ([failed_pod(A, code=PEER_LOST, index=0, finished=NOW),
          failed_pod(B, code=137, index=1, finished=ago(9), conditions=[EVICTED])],
         S.STARTED, "Retrying", "stopped: Evicted: m; next attempt: no pod yet"),
        ([failed_pod(A, code=PEER_LOST, index=0)], S.STARTED, "Retrying",
         "failed: PeerLost, exit code 75; next attempt: no pod yet"),
    ],
    ids=[
        "none", "one starts", "one has no node", "one runs", "one is to follow",
        "one cannot be placed", "one cannot start", "all run", "one has ended", "one has failed",
        "one's node is silent", "one is being stopped", "one is being stopped, one has no node",
        "all have ended", "one was evicted", "one has lost its peer",
    ],
)  # fmt: skip
def test_how_many_run_and_what_holds_up_the_others(
    pods: list[Pod], state: JobState, reason: str, message: str
) -> None:
    status = followed(*pods).status
    assert (status.state, status.reason, status.message) == (state, reason, message)


def test_the_job_starts_with_the_first_of_its_pods() -> None:
    late = running_pod(B, index=1)
    assert followed(late, pod(A, index=0)).status.start_time == late.started


@pytest.mark.parametrize("other", [running_pod(B, index=1), pod(B, index=1, **STUCK)])
def test_a_replica_that_cannot_start_fails_the_job_though_others_run(other: Pod) -> None:
    pods = (pod(A, index=0, **STUCK), other)
    limited = queue(startDeadlineSeconds=60)
    status = JobStatus(conditions=(blocked("ImagePullBackOff", ago(20)),))
    early = followed(*pods, queue=limited, status=status)
    assert early.wake_after == timedelta(seconds=40)
    assert not early.status.ended
    late = followed(*pods, queue=limited, status=status, now=NOW + timedelta(seconds=40))
    assert (late.status.state, late.status.reason) == (S.FAILED, "ImagePullBackOff")
    assert f"pod {A}: no such image" in (late.status.message or "")


def test_the_outputs_are_the_first_replicas() -> None:
    pods = (
        succeeded_pod(B, index=1, says='{"model": "b"}'),
        succeeded_pod(A, index=0, says='{"model": "a"}'),
    )
    for order in (pods, pods[::-1]):
        over = batch_job(suspend=False, status=complete(succeeded=2))
        status = followed(*order, batch_job=over).status
        assert (status.state, status.message) == (S.FINISHED, "all 2 pods ended well")
        assert status.outputs == {"model": "a"}


def test_the_root_cause_is_what_failed_first() -> None:
    pods = (
        failed_pod(A, code=1, index=0, says="collective operations were aborted", finished=NOW),
        failed_pod(B, code=137, reason="OOMKilled", index=1, finished=ago(11)),
    )
    over = batch_job(suspend=False, status=failed(failed=2))
    cause = followed(*pods, batch_job=over).status.root_cause
    assert cause is not None
    assert (cause.reason, cause.exit_code) == ("OOMKilled", 137)
    assert cause.message == "failed: OOMKilled, exit code 137 (SIGKILL) (replica 1)"


def test_attempts_are_told_of_the_replica_that_failed() -> None:
    earlier = {"creationTimestamp": stamp(ago(90)), "annotations": _index(1)}
    pods = (
        failed_pod("train-1-aaaaa", code=3, finished=ago(60), meta=earlier),
        failed_pod(A, code=PEER_LOST, index=0),
        failed_pod(B, code=4, index=1),
    )
    over = batch_job(suspend=False, status=failed(failed=2))
    message = followed(*pods, batch_job=over).status.message
    assert message == "failed: exit code 4 (replica 1, attempt 2 of 2)"


def _index(index: int) -> dict[str, str]:
    return {"batch.kubernetes.io/job-completion-index": str(index)}
