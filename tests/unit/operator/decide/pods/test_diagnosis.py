from dataclasses import replace
from typing import Any

import pytest

from alidade_operator.decide.pods.attempts import newest
from alidade_operator.decide.pods.diagnosis import Pending, Stage, how_it_runs, why_not_running
from alidade_operator.objects.reading import pod as read_pod
from alidade_operator.objects.views import Pod
from tests.support.builders import (
    DELETED,
    UNREACHABLE,
    ago,
    disruption,
    failed_pod,
    pod,
    pod_body,
    running,
    running_pod,
    stamp,
    terminated,
    waiting,
)

PULL = (
    'Back-off pulling image "nowhere/x:1": ErrImagePull: failed to pull and unpack image '
    '"nowhere/x:1": failed to resolve reference: not found'
)
EVICTING = disruption("EvictionByEvictionAPI", "evicting")
NO_NODE = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."


@pytest.mark.parametrize(
    ("fields", "reason", "message"),
    [
        ({}, "Running", "pod train-x7k2p runs on node node-1"),
        ({"meta": DELETED}, "Stopping", "pod train-x7k2p on node node-1 is being stopped"),
        (
            {"meta": DELETED, "conditions": [EVICTING]},
            "Stopping",
            "pod train-x7k2p on node node-1 is being stopped (EvictionByEvictionAPI: evicting)",
        ),
        (
            {"conditions": UNREACHABLE},
            "NodeUnreachable",
            "pod train-x7k2p on node node-1 ran when the node last reported",
        ),
        (
            {"meta": DELETED, "conditions": [*UNREACHABLE, EVICTING]},
            "NodeUnreachable",
            "pod train-x7k2p on node node-1 is to be stopped (EvictionByEvictionAPI: evicting), "
            "but the node does not report; no other pod takes its place until it does, or is "
            "deleted, or tainted as out-of-service",
        ),
    ],
    ids=["runs", "deleted", "evicted", "node silent", "evicted, node silent"],
)
def test_how_a_pod_runs(fields: dict[str, Any], reason: str, message: str) -> None:
    assert how_it_runs(running_pod(**fields)) == (reason, message)


@pytest.mark.parametrize(
    ("pods", "reason", "message"),
    [
        ([], "PodPending", "no pod yet"),
        ([pod(node=None)], "PodPending", "pod train-x7k2p waits for the scheduler"),
        ([pod()], "PodPending", "pod train-x7k2p starts on node node-1"),
        (
            [pod(worker=waiting("ContainerCreating"))],
            "PodPending",
            "pod train-x7k2p starts on node node-1",
        ),
        (
            [pod(init=waiting("PodInitializing"), worker=waiting("PodInitializing"))],
            "PodPending",
            "pod train-x7k2p starts on node node-1",
        ),
        ([pod(meta=DELETED)], "PodPending", "no pod yet"),
        ([failed_pod()], "PodPending", "no pod yet"),
    ],
)
def test_a_pod_that_only_takes_its_time_is_not_blocked(
    pods: list[Pod], reason: str, message: str
) -> None:
    assert why_not_running(pods) == Pending(reason, message)


@pytest.mark.parametrize("place", ["worker", "init"])
@pytest.mark.parametrize(
    ("waits", "reason", "message"),
    [
        (
            waiting("ImagePullBackOff", PULL),
            "ImagePullBackOff",
            'failed to pull and unpack image "nowhere/x:1": failed to resolve reference: not found',
        ),
        (waiting("ErrImagePull", "not found"), "ImagePullBackOff", "not found"),
        (
            waiting("CreateContainerConfigError", 'secret "s3" not found'),
            "CreateContainerConfigError",
            'secret "s3" not found',
        ),
        (
            waiting("InvalidImageName", "invalid reference format"),
            "InvalidImageName",
            "invalid reference format",
        ),
        (waiting("PostStartHookError", "exit 1"), "PostStartHookError", "exit 1"),
        (waiting("NobodyKnowsThisOne", "yet"), "NobodyKnowsThisOne", "yet"),
    ],
)
def test_a_container_that_cannot_start_blocks_its_pod(
    place: str, waits: dict[str, Any], reason: str, message: str
) -> None:
    found = pod(worker=waits) if place == "worker" else pod(init=waits)
    assert why_not_running([found]) == Pending(
        reason, f"pod train-x7k2p: {message}", Stage.STARTING
    )


def unscheduled(message: str = NO_NODE) -> Pod:
    told = {"status": "False", "reason": "Unschedulable", "message": message}
    return pod(node=None, conditions=[{"type": "PodScheduled", **told}])


def test_a_pod_for_which_there_is_no_node_is_blocked_on_its_way_there() -> None:
    found = why_not_running([unscheduled()])
    assert found == Pending("Unschedulable", f"pod train-x7k2p: {NO_NODE}", Stage.PLACING)


def test_of_several_pods_the_one_that_is_farthest_on_its_way_is_told() -> None:
    stuck = pod("b", index=1, worker=waiting("ErrImageNeverPull", "no"))
    waits = replace(unscheduled(), index=0)
    assert why_not_running([waits, stuck]).reason == "ErrImageNeverPull"
    assert why_not_running([pod("c", index=2), waits]).reason == "Unschedulable"


def test_the_last_attempt_is_the_newest_pod() -> None:
    old = pod("b", meta={"creationTimestamp": stamp(ago(60))})
    new = pod("a", meta={"creationTimestamp": stamp(ago(1))})
    ageless = pod("c", meta={"creationTimestamp": None})
    assert newest([old, new, ageless]) == new
    assert newest([ageless]) == ageless
    assert newest([]) is None


def sidecar(state: dict[str, Any], worker: dict[str, Any]) -> Pod:
    body = pod_body(worker=worker, phase="Running" if "running" in worker else "Pending")
    body["spec"]["initContainers"] = [{"name": "side", "restartPolicy": "Always"}]
    last = terminated(1, message="reads /etc/side\nno configuration\n")
    body["status"]["initContainerStatuses"] = [{"name": "side", "state": state, "lastState": last}]
    return read_pod(body)


@pytest.mark.parametrize(
    "state", [waiting("CrashLoopBackOff", "back-off 10s"), running(), terminated(1)]
)
def test_a_sidecar_that_crashes_blocks_its_pod_in_its_own_words(state: dict[str, Any]) -> None:
    found = why_not_running([sidecar(state, waiting("PodInitializing"))])
    assert (found.reason, found.stage) == ("CrashLoopBackOff", Stage.STARTING)
    assert found.message.startswith("pod train-x7k2p: sidecar 'side' keeps ending with exit code 1")


def test_a_sidecar_that_crashes_beside_a_container_that_runs_is_told_too() -> None:
    found = sidecar(waiting("CrashLoopBackOff"), running())
    assert how_it_runs(found) == (
        "Running",
        "pod train-x7k2p runs on node node-1, but its sidecar 'side' keeps ending with exit code "
        "1: no configuration",
    )
