from datetime import UTC, datetime

import pytest
import yaml

from alidade.domain.observed import (
    WORKER,
    BackingJob,
    Container,
    Failure,
    Pod,
    Terminated,
    Waiting,
    backing_job,
    parse_time,
    pod,
)
from tests.support.builders import DELETED, backing, complete, failed, pod_body, terminated, waiting
from tests.support.builders import pod as read_pod

# What an API server of 1.34 gives, less managedFields.
BATCH_JOB = """
apiVersion: batch/v1
kind: Job
metadata:
  annotations: {alidade.dev/template-hash: 9f2c11ab34de5678}
  creationTimestamp: "2026-03-01T11:58:02Z"
  generation: 2
  labels: {alidade.dev/job: train, alidade.dev/queue: cpu, app.kubernetes.io/managed-by: alidade}
  name: train
  namespace: lab
  ownerReferences:
  - {apiVersion: example.com/v1, kind: Other, name: other, uid: 11111111-aaaa}
  - {apiVersion: alidade.dev/v1alpha1, blockOwnerDeletion: true, controller: true, kind: Job,
     name: train, uid: 3c2b1a00-5d1f-4b53-9c9c-0f0e7a3f5a11}
  resourceVersion: "90417"
  uid: 77aa0c6e-1a52-4b39-8f5a-7d4b8a2f9c10
spec:
  backoffLimit: 1
  completionMode: NonIndexed
  completions: 1
  manualSelector: false
  parallelism: 1
  podReplacementPolicy: Failed
  selector: {matchLabels: {batch.kubernetes.io/controller-uid: 77aa0c6e}}
  suspend: false
  template:
    metadata:
      annotations: {alidade.dev/parameters: '{"eps": "0.3"}', alidade.dev/mlflow-run-id: r1}
      labels: {alidade.dev/job: train, batch.kubernetes.io/job-name: train}
    spec: {containers: [{name: worker, image: workflow}], restartPolicy: Never}
status:
  completionTime: "2026-03-01T12:03:00Z"
  conditions:
  - {lastProbeTime: "2026-03-01T11:59:00Z", lastTransitionTime: "2026-03-01T11:59:00Z",
     message: Job resumed, reason: JobResumed, status: "False", type: Suspended}
  - {lastTransitionTime: "2026-03-01T12:03:00Z", message: Reached expected number of succeeded pods,
     reason: CompletionsReached, status: "True", type: SuccessCriteriaMet}
  - {lastTransitionTime: "2026-03-01T12:03:00Z", message: Reached expected number of succeeded pods,
     reason: CompletionsReached, status: "True", type: Complete}
  failed: 1
  ready: 0
  startTime: "2026-03-01T11:59:00Z"
  succeeded: 1
  terminating: 0
  uncountedTerminatedPods: {}
"""

POD = """
apiVersion: v1
kind: Pod
metadata:
  creationTimestamp: "2026-03-01T11:59:01Z"
  finalizers: [batch.kubernetes.io/job-tracking]
  generateName: train-
  labels: {alidade.dev/job: train, batch.kubernetes.io/job-name: train, job-name: train}
  name: train-x7k2p
  namespace: lab
  ownerReferences:
  - {apiVersion: batch/v1, blockOwnerDeletion: true, controller: true, kind: Job, name: train,
     uid: 77aa0c6e-1a52-4b39-8f5a-7d4b8a2f9c10}
  resourceVersion: "90410"
  uid: e1e1e1e1-0000-4000-8000-000000000001
spec: {nodeName: alidade-worker2, restartPolicy: Never, containers: [{name: worker}]}
status:
  conditions:
  - {lastTransitionTime: "2026-03-01T12:02:58Z", status: "False", type: PodReadyToStartContainers}
  - {lastTransitionTime: "2026-03-01T11:59:01Z", reason: PodFailed, status: "True",
     type: Initialized}
  - {lastTransitionTime: "2026-03-01T12:02:56Z", reason: PodFailed, status: "False", type: Ready}
  - {lastTransitionTime: "2026-03-01T11:59:01Z", status: "True", type: PodScheduled}
  containerStatuses:
  - image: envoy
    lastState: {}
    name: proxy
    ready: false
    restartCount: 0
    state: {terminated: {exitCode: 0, reason: Completed, startedAt: "2026-03-01T11:59:02Z"}}
  - image: workflow
    lastState: {}
    name: worker
    ready: false
    restartCount: 0
    started: false
    state:
      terminated: {containerID: containerd://b, exitCode: 137, finishedAt: "2026-03-01T12:02:55Z",
        reason: OOMKilled, startedAt: "2026-03-01T11:59:03Z", message: Killed}
  phase: Failed
  podIP: 10.244.1.7
  qosClass: Burstable
  startTime: "2026-03-01T11:59:01Z"
"""


def at(hour: int, minute: int, second: int) -> datetime:
    return datetime(2026, 3, 1, hour, minute, second, tzinfo=UTC)


def test_a_batch_job_is_read_as_the_api_server_gives_it() -> None:
    assert backing_job(yaml.safe_load(BATCH_JOB)) == BackingJob(
        namespace="lab",
        name="train",
        uid="77aa0c6e-1a52-4b39-8f5a-7d4b8a2f9c10",
        resource_version="90417",
        owner_uid="3c2b1a00-5d1f-4b53-9c9c-0f0e7a3f5a11",
        queue="cpu",
        flavor=None,
        local_queue=None,
        template_hash="9f2c11ab34de5678",
        suspended=False,
        released_before=True,
        deleting=False,
        succeeded=1,
        failed=1,
        complete=True,
        failure=None,
    )


def test_a_pod_is_read_as_the_api_server_gives_it() -> None:
    assert pod(yaml.safe_load(POD)) == Pod(
        namespace="lab",
        name="train-x7k2p",
        uid="e1e1e1e1-0000-4000-8000-000000000001",
        resource_version="90410",
        job="train",
        owner_uid="77aa0c6e-1a52-4b39-8f5a-7d4b8a2f9c10",
        created=at(11, 59, 1),
        phase="Failed",
        reason="",
        message="",
        node="alidade-worker2",
        scheduled=at(11, 59, 1),
        unschedulable=None,
        disruption=None,
        init=None,
        container=Container(
            WORKER,
            terminated=Terminated(137, None, "OOMKilled", "Killed", at(11, 59, 3), at(12, 2, 55)),
        ),
        beside=(),
        deleting=False,
        node_silent=False,
        index=None,
    )


@pytest.mark.parametrize(
    ("found", "ended", "holds_place"),
    [
        (backing(suspend=True), False, False),
        (backing(suspend=False), False, True),
        (backing(suspend=False, status=complete()), True, False),
        (backing(suspend=False, status=failed()), True, False),
    ],
    ids=["suspended", "released", "complete", "failed"],
)
def test_a_released_batch_job_holds_a_place_until_it_ends(
    found: BackingJob, ended: bool, holds_place: bool
) -> None:
    assert (found.ended, found.holds_place) == (ended, holds_place)


def test_the_failure_of_a_batch_job_is_kept_in_its_words() -> None:
    assert backing(status=failed("DeadlineExceeded", "too long", failed=2)).failure == Failure(
        "DeadlineExceeded", "too long"
    )


def test_conditions_that_are_not_true_say_nothing() -> None:
    conditions = [{"type": kind, "status": "False"} for kind in ("Complete", "Failed")]
    assert not backing(status={"conditions": conditions}).ended


def test_a_batch_job_of_nobody_is_read_too() -> None:
    bare = {
        "metadata": {"name": "a", "namespace": "b", "uid": "c", "resourceVersion": "1"},
        "spec": {"template": {"spec": {}}},
    }
    found = backing_job(bare)
    assert (found.owner_uid, found.queue, found.template_hash) == (None, None, None)
    assert (found.suspended, found.released_before, found.ended) == (False, False, False)


@pytest.mark.parametrize(
    ("state", "container", "started"),
    [
        ({}, Container(WORKER), None),
        (waiting("ContainerCreating"), Container(WORKER, Waiting("ContainerCreating", "")), None),
        (
            {"running": {"startedAt": "2026-03-01T12:00:00Z"}},
            Container(WORKER, running_since=at(12, 0, 0)),
            at(12, 0, 0),
        ),
        (
            terminated(2, "Error", "no luck", started=at(12, 0, 0), finished=at(12, 0, 9)),
            Container(
                WORKER,
                terminated=Terminated(2, None, "Error", "no luck", at(12, 0, 0), at(12, 0, 9)),
            ),
            at(12, 0, 0),
        ),
        (
            terminated(128, "StartError", "no such file", started=None, finished=None),
            Container(
                WORKER, terminated=Terminated(128, None, "StartError", "no such file", None, None)
            ),
            None,
        ),
    ],
    ids=["nothing", "waiting", "running", "terminated", "never started"],
)
def test_states_of_the_container(
    state: dict[str, object], container: Container, started: datetime | None
) -> None:
    found = read_pod(worker=state)
    assert found.container == container
    assert found.started == started


def test_a_pod_without_statuses_has_not_started() -> None:
    found = read_pod()
    assert (found.container, found.started) == (None, None)


def test_a_pod_without_a_status_is_pending() -> None:
    body = pod_body(node=None)
    del body["status"]
    found = pod(body)
    assert (found.phase, found.node, found.scheduled, found.unschedulable) == (
        "Pending",
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("condition", "unschedulable"),
    [
        ({"status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}, "0/3 nodes"),
        ({"status": "False", "reason": "Unschedulable"}, "unschedulable"),
        ({"status": "False", "reason": "SchedulingGated", "message": "gated"}, None),
        ({"status": "True"}, None),
    ],
)
def test_why_a_pod_has_no_node(condition: dict[str, str], unschedulable: str | None) -> None:
    found = read_pod(node=None, conditions=[{"type": "PodScheduled", **condition}])
    assert found.unschedulable == unschedulable


def test_a_disruption_is_told_apart() -> None:
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    assert read_pod(conditions=[condition]).disruption == Failure("PreemptionByScheduler", "")
    assert read_pod(conditions=[{**condition, "status": "False"}]).disruption is None


@pytest.mark.parametrize(
    ("ready", "containers", "silent"),
    [
        ({"status": "False"}, "True", True),
        ({"status": "True"}, "True", False),
        ({"status": "False", "reason": "ContainersNotReady"}, "False", False),
        ({"status": "False", "reason": "ReadinessGatesNotReady"}, "True", False),
        ({"status": "False"}, "False", False),
    ],
    ids=["silent", "ready", "not ready", "readiness gate", "was not ready before"],
)
def test_a_node_is_silent_if_the_pods_readiness_alone_is_taken_away(
    ready: dict[str, str], containers: str, silent: bool
) -> None:
    conditions = [{"type": "Ready", **ready}, {"type": "ContainersReady", "status": containers}]
    assert read_pod(conditions=conditions).node_silent is silent


def test_of_init_containers_the_one_in_trouble_is_read() -> None:
    body = pod_body()
    body["status"]["initContainerStatuses"] = [
        {"name": "a", "state": terminated(0)},
        {"name": "b", "state": waiting("ImagePullBackOff", "no such image")},
        {"name": "c", "state": waiting("PodInitializing")},
    ]
    assert pod(body).init == Container("b", Waiting("ImagePullBackOff", "no such image"))


def test_what_is_being_deleted_says_so() -> None:
    assert read_pod(meta=DELETED).deleting
    assert backing(meta=DELETED).deleting


def test_times_are_read_with_their_zone() -> None:
    assert parse_time("2026-03-01T12:00:00Z") == at(12, 0, 0)
    assert parse_time(None) is None


def test_the_kubelets_time_of_what_never_started_is_none() -> None:
    assert parse_time("1970-01-01T00:00:00Z") is None
