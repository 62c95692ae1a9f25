"""What became of a pod, from statuses as the kubelet and the control plane of 1.34 write them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from alidade_core.api.job_status import Fate
from alidade_operator.decide.pods.fate import fate
from alidade_operator.objects.reading import pod
from alidade_operator.objects.views import Pod
from alidade_operator.objects.well_known import WORKER
from tests.support.builders import (
    NOW,
    ago,
    disruption,
    pod_body,
    running,
    stamp,
    terminated,
    waiting,
)

S = Fate
HOUR = 3600.0


def written(
    phase: str,
    worker: dict[str, Any] | None = None,
    *,
    conditions: tuple[dict[str, Any], ...] = (),
    inits: tuple[dict[str, Any], ...] = (),
    meta: dict[str, Any] | None = None,
    **status: Any,
) -> Pod:
    body = pod_body(phase=phase, worker=worker, conditions=conditions, meta=meta, **status)
    if inits:
        body["status"]["initContainerStatuses"] = list(inits)
    return pod(body)


def on_late_node(phase: str, worker: dict[str, Any], **fields: Any) -> Pod:
    """A pod of a node whose clock is an hour behind: it was taken on before it was scheduled."""
    return written(phase, worker, startTime=stamp(ago(HOUR)), **fields)


def rejected(reason: str, message: str) -> Pod:
    """As Kubelet.rejectPod leaves it: a phase, a reason, a message, and no more."""
    body = pod_body(phase="Failed", node="node-1")
    body["status"] = {
        "phase": "Failed",
        "reason": reason,
        "message": f"Pod was rejected: {message}",
        "qosClass": "Burstable",
        "startTime": stamp(NOW),
    }
    return pod(body)


def deleted(grace: int, asked: float = 10) -> dict[str, Any]:
    """The metadata of a pod whose deletion was asked for so many seconds ago."""
    return {
        "deletionTimestamp": stamp(ago(asked - grace)),
        "deletionGracePeriodSeconds": grace,
        "finalizers": ["batch.kubernetes.io/job-tracking"],
    }


def disrupted(reason: str, message: str, asked: float = 10) -> tuple[dict[str, Any], ...]:
    return ({**disruption(reason, message), "lastTransitionTime": stamp(ago(asked))},)


def ended(code: int = 0, reason: str = "", seconds: float = 5, **fields: Any) -> dict[str, Any]:
    """A container that ended so many seconds ago."""
    return terminated(code, reason, started=ago(60), finished=ago(seconds), **fields)


LOST = {
    "terminated": {
        "exitCode": 137,
        "reason": "ContainerStatusUnknown",
        "message": "The container could not be located when the pod was terminated",
        "startedAt": None,
        "finishedAt": None,
    }
}
# containerd, of what ran when the node went down.
REBOOTED = ended(255, "Unknown")
NOT_STARTED = terminated(128, "StartError", "exec: python: not found", started=None)
PRESSURE = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi."
SHUTDOWN = "Pod was terminated in response to imminent node shutdown."
API = disrupted("EvictionByEvictionAPI", "Eviction API: evicting")
TAINT = disrupted("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint")
PREEMPTED = disrupted("PreemptionByScheduler", "default-scheduler: preempting to accommodate a ...")
ORPHANED = disrupted("DeletionByPodGC", "PodGC: node no longer exists")


def by_kubelet(code: int, reason: str, message: str) -> Pod:
    disruption = disrupted("TerminationByKubelet", message)
    return written("Failed", ended(code), reason=reason, message=message, conditions=disruption)


FETCHES = {"name": "fetch", "state": ended(1, message="no such bucket")}
SIDE = {"name": "side", "state": ended(137), "restartCount": 3}

TABLE: dict[str, tuple[Pod, Fate | None]] = {
    # Rejected by a kubelet: pkg/kubelet/lifecycle, pkg/kubelet/cm, pkg/kubelet/eviction.
    "node affinity": (rejected("NodeAffinity", "Predicate NodeAffinity failed"), S.NEVER_RAN),
    "out of CPU": (
        rejected("OutOfcpu", "Node didn't have enough resource: cpu, requested: 1, used: 4"),
        S.NEVER_RAN,
    ),
    "out of memory": (rejected("OutOfmemory", "Node didn't have enough resource"), S.NEVER_RAN),
    "out of pods": (rejected("OutOfpods", "Node didn't have enough resource: pods"), S.NEVER_RAN),
    "out of GPUs": (rejected("OutOfnvidia.com/gpu", "Node didn't have enough"), S.NEVER_RAN),
    "device plugin": (
        rejected("UnexpectedAdmissionError", "Allocate failed due to no healthy devices present"),
        S.NEVER_RAN,
    ),
    "topology": (rejected("TopologyAffinityError", "Resources cannot be allocated"), S.NEVER_RAN),
    "operating system": (rejected("PodOSNotSupported", "OS field doesn't match"), S.NEVER_RAN),
    "node under pressure at admission": (
        rejected("Evicted", "The node had condition: [MemoryPressure]. "),
        S.NEVER_RAN,
    ),
    "node about to shut down": (
        rejected("NodeShutdown", "Pod was rejected as the node is shutting down."),
        S.NEVER_RAN,
    ),
    "volume limit": (rejected("VolumeAttachmentLimitExceeded", "too many"), S.NEVER_RAN),
    # Stopped by Kubernetes.
    "evicted by API, exits with 0": (
        written("Succeeded", ended(0), conditions=API, meta=deleted(30)),
        S.STOPPED,
    ),
    "evicted by API, exits with 143": (
        written("Failed", ended(143, "Error"), conditions=API, meta=deleted(0)),
        S.STOPPED,
    ),
    "evicted by API, not ended": (
        written("Running", running(), conditions=API, meta=deleted(30)),
        None,
    ),
    "evicted by API after it had ended well": (
        written("Succeeded", ended(0, seconds=60), conditions=API, meta=deleted(0)),
        S.SUCCEEDED,
    ),
    "evicted by API after it had failed": (
        written("Failed", ended(3, seconds=60), conditions=API, meta=deleted(0)),
        S.FAILED,
    ),
    "evicted for memory of the node": (
        by_kubelet(137, "Evicted", PRESSURE),
        S.STOPPED,
    ),
    "evicted for memory of the node, exits with 0": (
        by_kubelet(0, "Evicted", PRESSURE),
        S.STOPPED,
    ),
    "evicted for what it put on its disk": (
        written(
            "Failed",
            ended(137),
            reason="Evicted",
            message='Usage of EmptyDir volume "scratch" exceeds the limit "4Mi". ',
        ),
        S.FAILED,
    ),
    "evicted for what it put on its disk, its container lost": (
        written(
            "Failed",
            LOST,
            reason="Evicted",
            message='Usage of EmptyDir volume "scratch" exceeds the limit "4Mi". ',
        ),
        S.FAILED,
    ),
    "node shut down": (
        by_kubelet(0, "Terminated", SHUTDOWN),
        S.STOPPED,
    ),
    "kubelet preempts for a critical pod": (
        by_kubelet(137, "Preempting", "Preempted in order to admit critical pod"),
        S.STOPPED,
    ),
    "preempted by the scheduler": (
        written("Failed", ended(143), conditions=PREEMPTED, meta=deleted(0)),
        S.STOPPED,
    ),
    "preempted by the scheduler, exits with 0": (
        written("Succeeded", ended(0), conditions=PREEMPTED, meta=deleted(0)),
        S.STOPPED,
    ),
    "tainted node": (
        written("Failed", ended(143), conditions=TAINT, meta=deleted(0)),
        S.STOPPED,
    ),
    "node gone, container as it last was": (
        written("Failed", running(ago(60)), conditions=ORPHANED, meta=deleted(0)),
        S.STOPPED,
    ),
    # A disruption that did not happen is set to False after two minutes.
    "disruption taken back": (
        written("Succeeded", ended(0), conditions=({**API[0], "status": "False"},)),
        S.SUCCEEDED,
    ),
    # Stopped by a user, by suspension, by the deletion of its Job.
    "deleted, has time left": (written("Running", running(), meta=deleted(30)), None),
    "deleted, its container exits with 0": (
        written("Running", ended(0), meta=deleted(30)),
        S.STOPPED,
    ),
    "deleted, exits with 0": (written("Succeeded", ended(0), meta=deleted(0)), S.STOPPED),
    "deleted, killed": (written("Failed", ended(137), meta=deleted(0)), S.STOPPED),
    "deleted, exits in the same second": (
        written("Succeeded", ended(0, seconds=10), meta=deleted(0, asked=10)),
        S.STOPPED,
    ),
    "deleted by force, exits after that": (
        written("Succeeded", ended(0, seconds=5), meta=deleted(0, asked=6)),
        S.STOPPED,
    ),
    "deleted after it had ended well": (
        written("Succeeded", ended(0, seconds=60), meta=deleted(0)),
        S.SUCCEEDED,
    ),
    "deleted, exits with 0, and deleted anew by its kubelet": (
        written("Succeeded", ended(0, seconds=13), meta=deleted(0)),
        S.STOPPED,
    ),
    "deleted, exits with 143, and deleted anew by its kubelet": (
        written("Failed", ended(143, "Error", seconds=13), meta=deleted(0)),
        S.STOPPED,
    ),
    "evicted by API, exits with 0, and its node's clock is a second behind": (
        written("Succeeded", ended(0, seconds=11), conditions=API, meta=deleted(0)),
        S.STOPPED,
    ),
    "evicted by API, exits with 0, and its node's clock is an hour behind": (
        on_late_node("Succeeded", ended(0, seconds=HOUR + 9), conditions=API, meta=deleted(0)),
        S.STOPPED,
    ),
    "deleted, exits with 0, and its node's clock is an hour behind": (
        on_late_node("Succeeded", ended(0, seconds=HOUR + 9), meta=deleted(0)),
        S.STOPPED,
    ),
    "seen to end well before it was deleted, and its node's clock is an hour behind": (
        replace(
            on_late_node("Succeeded", ended(0, seconds=HOUR + 9), meta=deleted(0)), stopped=False
        ),
        S.SUCCEEDED,
    ),
    "deleted long after it had ended well, and its node's clock is an hour behind": (
        on_late_node("Succeeded", ended(0, seconds=HOUR + 60), meta=deleted(0)),
        S.SUCCEEDED,
    ),
    "deleted, and its times are such as no clock has": (
        written(
            "Succeeded",
            terminated(0, finished=datetime.max.replace(tzinfo=UTC)),
            startTime="0001-01-01T00:00:00Z",
            meta=deleted(0),
        ),
        S.STOPPED,
    ),
    "deleted soon after it had ended well and was counted": (
        written("Succeeded", ended(0, seconds=13), meta=deleted(0) | {"finalizers": ["a/b"]}),
        S.SUCCEEDED,
    ),
    "deleted before it was pulled": (
        written("Failed", waiting("ErrImagePull", "not found"), meta=deleted(0)),
        S.STOPPED,
    ),
    "deleted before it had a node": (written("Failed", meta=deleted(0)), S.STOPPED),
    "seen while it was being stopped, though its node's clock is late": (
        replace(written("Succeeded", ended(0, seconds=60), meta=deleted(0)), stopped=True),
        S.STOPPED,
    ),
    # Lost by its node.
    "node rebooted": (written("Failed", REBOOTED), S.STOPPED),
    "container could not be located": (written("Failed", LOST), S.STOPPED),
    "exits with 255 by itself": (written("Failed", ended(255, "Error")), S.FAILED),
    # By itself.
    "ended well": (written("Succeeded", ended(0)), S.SUCCEEDED),
    "container ended well, pod not yet": (written("Running", ended(0)), S.SUCCEEDED),
    "failed": (written("Failed", ended(3)), S.FAILED),
    "container failed, pod not yet": (written("Running", ended(3)), S.FAILED),
    "killed for its memory": (written("Failed", ended(137, "OOMKilled")), S.FAILED),
    "killed, and nobody says why": (written("Failed", ended(137, "Error")), S.FAILED),
    "command not found": (written("Failed", NOT_STARTED), S.FAILED),
    "its own deadline, ran": (
        written("Failed", ended(137), reason="DeadlineExceeded", message="Pod was active"),
        S.FAILED,
    ),
    "its own deadline, never ran": (
        written("Failed", waiting("ContainerCreating"), reason="DeadlineExceeded"),
        S.FAILED,
    ),
    "init container failed": (
        written("Failed", waiting("PodInitializing"), inits=(FETCHES,)),
        S.FAILED,
    ),
    "init container's command not found": (
        written("Failed", waiting("PodInitializing"), inits=({"name": "a", "state": NOT_STARTED},)),
        S.FAILED,
    ),
    "sidecar killed at the end": (written("Succeeded", ended(0), inits=(SIDE,)), S.SUCCEEDED),
    "sidecar crashes, container runs": (written("Running", running(), inits=(SIDE,)), None),
    # Open.
    "pending": (written("Pending"), None),
    "image not there": (written("Pending", waiting("ImagePullBackOff", "not found")), None),
    "runs": (written("Running", running()), None),
    "node silent": (written("Unknown", running()), None),
}


@pytest.mark.parametrize(("found", "became"), TABLE.values(), ids=TABLE.keys())
def test_what_became_of_a_pod(found: Pod, became: Fate | None) -> None:
    assert fate(found) is became


def test_another_containers_failure_is_the_pods() -> None:
    body = pod_body(phase="Failed", worker=ended(0))
    body["status"]["containerStatuses"].append({"name": "other", "state": ended(1)})
    assert body["status"]["containerStatuses"][0]["name"] == WORKER
    assert fate(pod(body)) is Fate.FAILED
