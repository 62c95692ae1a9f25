"""A pod that saves what it has and exits with 0 as it is told to stop has not finished."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.support.cluster import ENDS, Cluster, PriorityClasses, namespace, tracking_server
from tests.support.manifests import experiment, job, queue, waiting_for_it
from tests.support.polling import eventually

SMALL = {"requests": {"cpu": "50m", "memory": "32Mi"}}
SAVES = """
trap 'echo saved; exit 0' TERM
until [ -e /go/now ]; do sleep 0.2; done
"""
GPU: dict[str, Any] = {
    "nodeSelector": {"alidade.dev/pool": "gpu"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
}
ALL_DEVICES = {name: {"nvidia.com/gpu": "2"} for name in ("requests", "limits")}


def saves() -> dict[str, Any]:
    """Return a pod template whose script ends well as soon as it is told to stop."""
    template = waiting_for_it(SAVES)
    template["spec"]["terminationGracePeriodSeconds"] = 30
    return template


def _evict(cluster: Cluster, pod: str, _: PriorityClasses) -> None:
    cluster.evict(pod)


def _drain(cluster: Cluster, pod: str, _: PriorityClasses) -> None:
    node = cluster.get("pod", pod)["spec"]["nodeName"]
    options = ("--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s")
    try:
        cluster.kubectl("drain", node, "--pod-selector=alidade.dev/job=drained", *options)
    finally:
        cluster.kubectl("uncordon", node)


def _delete(cluster: Cluster, pod: str, _: PriorityClasses) -> None:
    cluster.kubectl("delete", "pod", pod, "--wait=false")


def _suspend(cluster: Cluster, _: str, __: PriorityClasses) -> None:
    cluster.patch("suspended", suspend=True)


def _hold(cluster: Cluster, _: str, __: PriorityClasses) -> None:
    cluster.apply(queue("held", resources=SMALL, stopPolicy="HoldAndDrain"))


def _preempt(cluster: Cluster, _: str, priorities: PriorityClasses) -> None:
    urgent = {"queue": "devices", "priorityClassName": priorities.high}
    cluster.apply(job("urgent", podTemplate=waiting_for_it("true"), **urgent))


STOPS: dict[str, Callable[[Cluster, str, PriorityClasses], None]] = {
    "evicted": _evict,
    "drained": _drain,
    "deleted": _delete,
    "suspended": _suspend,
    "held": _hold,
    "preempted": _preempt,
}


@dataclass(frozen=True)
class Stopped:
    """Jobs whose first pod was stopped and ended with 0, and what came of them."""

    cluster: Cluster
    client: MlflowClient
    meanwhile: dict[str, dict[str, Any]]
    statuses: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def stopped(priorities: PriorityClasses) -> Iterator[Stopped]:
    special = {
        "held": {"queue": "held"},
        "preempted": {"queue": "devices", "priorityClassName": priorities.low},
    }
    with namespace("e2e-stopped") as cluster, tracking_server() as client:
        cluster.apply(
            queue(resources=SMALL),
            queue("held", resources=SMALL),
            queue("devices", resources=ALL_DEVICES, **GPU),
            experiment(),
            *(job(name, podTemplate=saves(), **special.get(name, {})) for name in STOPS),
            job("next", "evicted", podTemplate=waiting_for_it("true")),
        )
        for name in STOPS:
            cluster.wait_for(name, state="Started", reason="Running")
        pods = {name: cluster.pods_of(name)[0]["metadata"]["name"] for name in STOPS}
        for name, stop in STOPS.items():
            stop(cluster, pods[name], priorities)
        eventually(lambda: _over(cluster, pods))
        meanwhile = {name: _settled_down(cluster, name) for name in (*STOPS, "next")}
        cluster.go_ahead()
        cluster.apply(queue("held", resources=SMALL))
        cluster.patch("suspended", suspend=False)
        yield Stopped(cluster, client, meanwhile, cluster.wait_for_ends())


def _over(cluster: Cluster, pods: Mapping[str, str]) -> bool:
    there = {pod["metadata"]["name"]: pod["status"]["phase"] for pod in cluster.list("pods")}
    return all(there.get(pod) not in ("Pending", "Running") for pod in pods.values())


def _settled_down(cluster: Cluster, name: str) -> dict[str, Any]:
    """Return the status of a job once it has ended, waits, or runs in a pod that is not over."""

    def look() -> dict[str, Any]:
        status = cluster.job_status(name)
        waits = status.get("reason") in ("Suspended", "QueueHeld", "DependencyPending")
        runs = [
            pod["metadata"]["name"]
            for pod in cluster.pods_of(name)
            if pod["status"]["phase"] in ("Pending", "Running")
            and "deletionTimestamp" not in pod["metadata"]
        ]
        assert waits or runs or status.get("state") in ENDS, status
        return status

    return eventually(look)


@pytest.mark.parametrize("name", STOPS)
def test_it_is_not_told_that_it_ended(name: str, stopped: Stopped) -> None:
    assert stopped.meanwhile[name]["state"] not in ENDS


def test_what_depends_on_it_waits(stopped: Stopped) -> None:
    assert stopped.meanwhile["next"]["state"] == "Waiting"
    assert stopped.statuses["next"]["state"] == "Finished"


@pytest.mark.parametrize("name", STOPS)
def test_it_goes_on_in_another_pod_as_the_same_run(name: str, stopped: Stopped) -> None:
    status = stopped.statuses[name]
    assert (status["state"], len(status["attempts"])) == ("Finished", 2), status
    assert "rootCause" not in status
    stopped.cluster.until_tracked(name)
    run = stopped.cluster.run(stopped.client, name)
    assert (run.info.run_id, run.info.status) == (status["mlflowRunId"], "FINISHED")
    assert run.data.tags["alidade.dev/attempts"] == "2"


@pytest.mark.parametrize(
    ("name", "words"),
    [("evicted", "Eviction API"), ("drained", "Eviction API"), ("preempted", "preempt")],
)
def test_what_stopped_it_is_told(name: str, words: str, stopped: Stopped) -> None:
    first, second = stopped.statuses[name]["attempts"]
    assert words in first["message"]
    assert second["reason"] == "Completed"
    stopped.cluster.until_told(name, words)
