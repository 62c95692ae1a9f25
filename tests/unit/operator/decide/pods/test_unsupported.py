"""An image that cannot be handed its workflow's source fails its job, at once and for good."""

from typing import Any

import pytest

from alidade_operator.decide.plan import Plan, plan
from alidade_operator.objects.views import Pod
from tests.support.builders import (
    IMAGE,
    batch_job,
    failed,
    job,
    pod,
    running_pod,
    snapshot,
    terminated,
    waiting,
)
from tests.support.plans import RELEASED, S, acts, where
from tests.support.workflow_sources import GIT

CONTAINERD = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc "
    "create failed: unable to start container process: error during container init: exec: "
    '"{}": executable file not found in $PATH'
)
CRI_O = (
    "container create failed: executable file `{}` not found in $PATH: No such file or directory"
)
OURS = "alidade-workflow-v1"
SENTENCE = (
    f"failed: image {IMAGE} does not keep to the contract alidade-workflow-v1 (it has no such "
    "program), so it is not run without its workflow's source; make it from the worker's image"
)


def with_image(state: dict[str, Any], phase: str, **fields: Any) -> Pod:
    return pod(phase=phase, worker=state, images=(IMAGE,), **fields)


def not_started(words: str, **fields: Any) -> Pod:
    return with_image(terminated(128, "StartError", words, started=None), "Failed", **fields)


def decide(*pods: Pod, status: dict[str, Any] | None = None, **spec: Any) -> Plan:
    of = job(workflow={"source": GIT}, status=RELEASED, **spec)
    there = batch_job(suspend=False, status=status)
    return plan(snapshot(of, batch_job=there, pods=pods, pods_complete=True, keeps_logs=False))


@pytest.mark.parametrize("status", [None, failed()], ids=["attempts left", "no attempt left"])
def test_the_job_fails_at_once_with_the_image_and_the_contract(
    status: dict[str, Any] | None,
) -> None:
    decided = decide(not_started(CONTAINERD.format(OURS)), status=status, backoffLimit=3)
    assert where(decided) == (S.FAILED, "SourceUnsupported")
    assert decided.status.message == SENTENCE
    cause = decided.status.root_cause
    assert cause is not None
    assert (cause.reason, cause.exit_code) == ("SourceUnsupported", 128)


def test_a_runtime_that_tries_for_ever_is_not_waited_for() -> None:
    stuck = with_image(waiting("CreateContainerError", CRI_O.format(OURS)), "Pending")
    decided = decide(stuck)
    assert where(decided) == (S.FAILED, "SourceUnsupported")
    assert decided.status.message == SENTENCE


def test_one_replica_that_cannot_start_ends_the_others() -> None:
    ended = not_started(CONTAINERD.format(OURS), name="train-1-x", index=1)
    decided = decide(running_pod("train-0-x", index=0), ended, replicas=2)
    assert where(decided) == (S.FAILED, "SourceUnsupported")


def test_then_the_batch_job_goes_with_its_pods() -> None:
    status = decide(not_started(CONTAINERD.format(OURS))).status
    of = job(workflow={"source": GIT}, status=status)
    after = plan(snapshot(of, batch_job=batch_job(suspend=False)))
    assert [action.__name__ for action in acts(after)] == ["DeleteBatchJob"]


@pytest.mark.parametrize(
    "found",
    [
        not_started(CONTAINERD.format("python9")),
        not_started(f"mkdir: {OURS}: permission denied"),
        with_image(terminated(1, "Error", CONTAINERD.format(OURS)), "Failed"),
        with_image(waiting("CreateContainerError", "no space left"), "Pending"),
    ],
    ids=["another program", "another trouble", "what a program writes", "what passes"],
)
def test_anything_else_is_told_as_it_is(found: Pod) -> None:
    assert decide(found, backoffLimit=1).status.reason != "SourceUnsupported"
