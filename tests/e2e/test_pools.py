"""Jobs run on the nodes of their queue's pool, also on one that advertises devices."""

from typing import Any

from tests.support.cluster import Cluster
from tests.support.manifests import experiment, job, queue, shell

GPU: dict[str, Any] = {
    "nodeSelector": {"alidade.dev/pool": "gpu"},
    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
}


def _asks_for(devices: int) -> dict[str, Any]:
    amounts = {"nvidia.com/gpu": str(devices)}
    return {"resources": {"requests": amounts, "limits": amounts}}


def _pool(cluster: Cluster, name: str) -> str:
    (pod,) = cluster.list("pods", "--selector", f"alidade.dev/job={name}")
    labels: dict[str, str] = cluster.get("node", pod["spec"]["nodeName"])["metadata"]["labels"]
    return labels["alidade.dev/pool"]


def test_each_job_runs_on_its_queues_pool(cluster: Cluster) -> None:
    cluster.apply(
        queue(),
        queue("devices", **GPU, **_asks_for(1)),
        experiment(tracking="None"),
        job("on-cpu", podTemplate=shell("true")),
        job("on-gpu", queue="devices", podTemplate=shell("true")),
    )
    ends = cluster.wait_for_ends()
    assert {name: status["state"] for name, status in ends.items()} == {
        "on-cpu": "Finished",
        "on-gpu": "Finished",
    }
    assert _pool(cluster, "on-cpu") == "cpu"
    assert _pool(cluster, "on-gpu") == "gpu"


def test_a_job_that_no_node_has_devices_for_says_so_and_waits(cluster: Cluster) -> None:
    cluster.apply(
        queue(**GPU, **_asks_for(3)),
        experiment(tracking="None"),
        job("greedy", podTemplate=shell("true")),
    )
    status = cluster.wait_for("greedy", reason="Unschedulable")
    assert status["state"] == "Queued"
    assert "Insufficient nvidia.com/gpu" in status["message"]


def test_a_job_that_no_node_has_devices_for_is_tried_in_the_next_flavor(cluster: Cluster) -> None:
    flavors = [
        {"name": "gpu", "fallbackAfterSeconds": 3, **GPU, **_asks_for(3)},
        {"name": "cpu", "nodeSelector": {"alidade.dev/pool": "cpu"}},
    ]
    cluster.apply(
        queue(nodeSelector={}, flavors=flavors),
        experiment(tracking="None"),
        job("modest", podTemplate=shell("true")),
    )
    (status,) = cluster.wait_for_ends().values()
    assert (status["state"], status["flavor"]) == ("Finished", "cpu")
    assert _pool(cluster, "modest") == "cpu"
    cluster.until_told("modest", "no pod placed in flavor gpu for 3 s; tries flavor cpu")
