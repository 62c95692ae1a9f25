"""Pods that are lost through no fault of theirs: evicted, preempted, gone with their node."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.support.cluster import Cluster, PriorityClasses, namespace, tracking_server
from tests.support.manifests import experiment, go_ahead, job, queue, waiting_for_it
from tests.support.polling import eventually
from tests.support.sources import REPOSITORY

SMALL = {"requests": {"cpu": "50m", "memory": "64Mi"}}
GPU: dict[str, Any] = {
    "nodeSelector": {"alidade.dev/pool": "gpu"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
}
ALL_DEVICES = {name: {"nvidia.com/gpu": "2"} for name in ("requests", "limits")}
UNTIL_TOLD = "until [ -e /go/now ]; do sleep 0.2; done"
FILLS_ITS_DISK = "dd if=/dev/zero of=/scratch/x bs=1M count=20; sleep 600"
TRAINING = {"model_architecture": "shallow_net", "epochs": "6"}
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
DISRUPTED = ("evicted", "preempted")


@dataclass(frozen=True)
class Aftermath:
    """Jobs that went on after a disruption, and all that was said of them meanwhile."""

    cluster: Cluster
    client: MlflowClient
    statuses: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def aftermath(priorities: PriorityClasses) -> Iterator[Aftermath]:
    training = [{"name": name, "value": value} for name, value in TRAINING.items()]
    small = {"emptyDir": {"sizeLimit": "4Mi"}, "name": "scratch"}
    scratch = {"name": "scratch", "mountPath": "/scratch"}
    with namespace("e2e-disruptions") as cluster, tracking_server() as client:
        cluster.apply(
            queue(resources={"requests": {"cpu": "100m", "memory": "512Mi"}}),
            queue("small", resources=SMALL),
            queue("devices", resources=ALL_DEVICES, **GPU),
            experiment(),
            job("evicted", entryPoint="train", parameters=training),
            job("next", "evicted", queue="small", podTemplate=waiting_for_it("true")),
            job(
                "squeezed",
                queue="small",
                podTemplate=waiting_for_it(FILLS_ITS_DISK, volumes=[small], mounts=[scratch]),
            ),
            job(
                "preempted",
                queue="devices",
                priorityClassName=priorities.low,
                podTemplate=waiting_for_it(UNTIL_TOLD),
            ),
        )
        cluster.evict(until_training(cluster, "evicted"))
        cluster.wait_for("preempted", state="Started", reason="Running")
        cluster.apply(
            job(
                "urgent",
                queue="devices",
                priorityClassName=priorities.high,
                podTemplate=waiting_for_it("sleep 5"),
            )
        )
        cluster.wait_for("urgent", state="Started")
        cluster.apply(go_ahead())
        yield Aftermath(cluster, client, cluster.wait_for_ends())


@pytest.mark.parametrize("name", DISRUPTED)
def test_a_disrupted_job_is_tried_again_and_ends_well(name: str, aftermath: Aftermath) -> None:
    status = aftermath.statuses[name]
    assert (status["state"], len(status["attempts"])) == ("Finished", 2), status
    assert "rootCause" not in status


@pytest.mark.parametrize("name", DISRUPTED)
def test_both_attempts_are_one_run(name: str, aftermath: Aftermath) -> None:
    aftermath.cluster.until_tracked(name)
    run = aftermath.cluster.run(aftermath.client, name)
    assert run.info.run_id == aftermath.statuses[name]["mlflowRunId"]
    assert run.info.status == "FINISHED"
    assert run.data.tags["alidade.dev/attempts"] == "2"


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("evicted", "EvictionByEvictionAPI", "Eviction API"),
        ("preempted", "PreemptionByScheduler", "preempt"),
    ],
)
def test_what_disrupted_it_is_told_of_the_attempt_and_in_an_event_of_the_job(
    name: str, reason: str, words: str, aftermath: Aftermath
) -> None:
    first, second = aftermath.statuses[name]["attempts"]
    assert (first["reason"], second["reason"]) == (reason, "Completed")
    assert words in first["message"]
    aftermath.cluster.until_told(name, words)


def test_a_pod_evicted_for_what_it_does_itself_has_failed(aftermath: Aftermath) -> None:
    status = aftermath.statuses["squeezed"]
    assert (status["state"], status["reason"]) == ("Failed", "Evicted")
    assert 'Usage of EmptyDir volume "scratch" exceeds the limit "4Mi"' in status["message"]
    assert len(status["attempts"]) == 1
    aftermath.cluster.until_tracked("squeezed")
    run = aftermath.cluster.run(aftermath.client, "squeezed")
    assert run.info.status == "FAILED"


def test_a_training_that_starts_anew_logs_what_it_logged_before(aftermath: Aftermath) -> None:
    run = aftermath.cluster.run(aftermath.client, "evicted")
    assert run.data.params["model_architecture"] == "shallow_net"
    assert run.data.metrics["accuracy"] > 0.8


def test_those_that_depend_on_it_run_once_it_has_ended_well(aftermath: Aftermath) -> None:
    assert aftermath.statuses["next"]["state"] == "Finished"


def test_a_job_outlives_its_node(cluster: Cluster, tracking: MlflowClient) -> None:
    cluster.apply(
        queue(resources=SMALL, **GPU),
        experiment(),
        job("stranded", podTemplate=waiting_for_it(UNTIL_TOLD)),
    )
    cluster.wait_for("stranded", state="Started", reason="Running")
    (pod,) = cluster.list("pods")
    with silent(cluster, node := pod["spec"]["nodeName"]):
        cluster.apply(go_ahead())
        waits = cluster.wait_for("stranded", reason="NodeUnreachable")
        assert waits["state"] == "Started"
        cluster.kubectl("taint", "nodes", node, f"{OUT_OF_SERVICE}=nodeshutdown:NoExecute")
        cluster.until_deleted(f"pod/{pod['metadata']['name']}")
        waits = cluster.wait_for("stranded", reason="Unschedulable")
        assert waits["state"] == "Started"
    status = cluster.wait_for("stranded", state="Finished")
    assert len(status["attempts"]) == 2
    assert status["attempts"][0]["pod"] == pod["metadata"]["name"]
    cluster.until_tracked("stranded")
    run = cluster.run(tracking, "stranded")
    assert (run.info.run_id, run.info.status) == (status["mlflowRunId"], "FINISHED")
    assert run.data.tags["alidade.dev/attempts"] == "2"


@contextmanager
def silent(cluster: Cluster, node: str) -> Iterator[None]:
    """Have a node stop in the middle of all that it does, for as long as this lasts."""
    freeze = str(REPOSITORY / "hack/cluster/freeze")
    subprocess.run([freeze, node], check=True)
    try:
        yield
    finally:
        subprocess.run([freeze, "--thaw", node], check=True)
        cluster.kubectl("taint", "nodes", node, f"{OUT_OF_SERVICE}-", check=False)
        cluster.kubectl("wait", "--for=condition=Ready", f"node/{node}", "--timeout=120s")


def until_training(cluster: Cluster, name: str) -> str:
    """Wait until a job's pod is in its first epoch; return the pod's name."""
    (pod,) = eventually(lambda: cluster.pods_of(name))
    cluster.until_logged(pod["metadata"]["name"], "epoch 1/")
    return str(pod["metadata"]["name"])
