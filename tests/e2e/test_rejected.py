"""A pod that its node's kubelet turns away has not run, so its job has not failed.

No scheduler decides here: the tests bind the pods, first to a node that has to refuse them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.support.cluster import Cluster, namespace, tracking_server
from tests.support.manifests import experiment, job, queue, shell
from tests.support.polling import eventually

SMALL = {"requests": {"cpu": "50m", "memory": "32Mi"}}


def by_hand(**spec: Any) -> dict[str, Any]:
    """Return a pod template that no scheduler minds."""
    template = shell("true")
    template["spec"].update(schedulerName="by-hand", **spec)
    return template


def bind(cluster: Cluster, pod: str, pool: str) -> None:
    """Put a pod on a node of a pool, as a scheduler does."""
    node = cluster.list("nodes", f"--selector=alidade.dev/pool={pool}")[0]["metadata"]["name"]
    body = {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": pod},
        "target": {"kind": "Node", "name": node},
    }
    path = f"/api/v1/namespaces/{cluster.namespace}/pods/{pod}/binding"
    cluster.kubectl("create", "--raw", path, "--filename=-", stdin=json.dumps(body))


def unbound(cluster: Cluster, name: str) -> str:
    """Return the pod of a job that is on no node yet, once there is one."""

    def look() -> str:
        pods = [pod for pod in cluster.pods_of(name) if "nodeName" not in pod["spec"]]
        return str(pods[-1]["metadata"]["name"]) if pods else ""

    return eventually(look)


@dataclass(frozen=True)
class Rejected:
    """Jobs whose first pods were turned away, what was said then, and at the end."""

    cluster: Cluster
    client: MlflowClient
    meanwhile: dict[str, dict[str, Any]]
    statuses: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def rejected() -> Iterator[Rejected]:
    huge = {"requests": {"cpu": "1000"}}
    with namespace("e2e-rejected") as cluster, tracking_server() as client:
        cluster.apply(
            queue(resources=SMALL, jobsMayOverride=["Nodes"]),
            queue("huge", resources=huge, jobsMayOverride=["Nodes"]),
            experiment(),
            job("finds-its-node", podTemplate=by_hand()),
            job("next", "finds-its-node", podTemplate=shell("true")),
            job("fits-nowhere", queue="huge", podTemplate=by_hand()),
        )
        bind(cluster, unbound(cluster, "finds-its-node"), "gpu")
        bind(cluster, unbound(cluster, "fits-nowhere"), "cpu")
        again = ("finds-its-node", "fits-nowhere")
        told = {name: cluster.wait_for(name, reason="Retrying") for name in again}
        told["next"] = cluster.job_status("next")
        bind(cluster, unbound(cluster, "finds-its-node"), "cpu")
        cluster.cancel("fits-nowhere")
        yield Rejected(cluster, client, told, cluster.wait_for_ends())


@pytest.mark.parametrize(
    ("name", "words"), [("finds-its-node", "NodeAffinity"), ("fits-nowhere", "OutOfcpu")]
)
def test_it_is_tried_again_and_the_kubelet_is_quoted(
    name: str, words: str, rejected: Rejected
) -> None:
    status = rejected.meanwhile[name]
    assert status["state"] in ("Queued", "Started")
    assert words in status["message"]
    rejected.cluster.until_told(name, words)


def test_what_depends_on_it_waits(rejected: Rejected) -> None:
    assert rejected.meanwhile["next"]["state"] == "Waiting"
    assert rejected.statuses["next"]["state"] == "Finished"


def test_on_a_node_that_takes_it_the_job_ends_well_as_one_run(rejected: Rejected) -> None:
    status = rejected.statuses["finds-its-node"]
    assert (status["state"], status["reason"]) == ("Finished", "Completed")
    assert "rootCause" not in status
    rejected.cluster.until_tracked("finds-its-node")
    run = rejected.cluster.run(rejected.client, "finds-its-node")
    assert (run.info.run_id, run.info.status) == (status["mlflowRunId"], "FINISHED")


def test_one_that_no_node_takes_can_be_cancelled(rejected: Rejected) -> None:
    assert rejected.statuses["fits-nowhere"]["state"] == "Cancelled"
