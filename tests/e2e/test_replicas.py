"""Two pods train one network on all of MNIST: they meet, and are one job with one run."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.support.cluster import Cluster, namespace, tracking_server
from tests.support.manifests import experiment, job, queue

REPLICAS = 2
SMALL = {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "3Gi"}}
EXPERIMENT = "replicas"
PARAMETERS = {"model_architecture": "shallow_net", "epochs": "1", "register_model_name": "replicas"}


@dataclass(frozen=True)
class Trained:
    """A job that has ended, with what is left of it."""

    cluster: Cluster
    client: MlflowClient
    status: dict[str, Any]
    pods: list[dict[str, Any]]
    seen: set[str]

    @property
    def run(self) -> Run:
        return self.client.get_run(self.status["mlflowRunId"])


@pytest.fixture(scope="module")
def trained() -> Iterator[Trained]:
    with namespace("e2e-replicas") as cluster, tracking_server() as client:
        cluster.apply(queue(resources=SMALL), experiment(EXPERIMENT))
        given = [{"name": name, "value": value} for name, value in PARAMETERS.items()]
        spec = {"experiment": EXPERIMENT, "entryPoint": "train", "parameters": given}
        cluster.apply(job("train", replicas=REPLICAS, **spec))
        both = cluster.wait_for("train", message=f"{REPLICAS} of {REPLICAS} pods run")
        status = cluster.wait_for("train", state="Finished")
        pods = cluster.list("pods", "--selector=alidade.dev/job=train")
        yield Trained(cluster, client, status, pods, {both["message"], status["message"]})


def test_both_pods_ran_and_ended_well(trained: Trained) -> None:
    assert {pod["spec"]["hostname"] for pod in trained.pods} == {"train-0", "train-1"}
    assert {pod["status"]["phase"] for pod in trained.pods} == {"Succeeded"}
    assert trained.seen == {"2 of 2 pods run", "all 2 pods ended well"}


def test_they_have_one_run_with_parameters_and_metrics(trained: Trained) -> None:
    uid = trained.cluster.get("jobs.alidade.dev", "train")["metadata"]["uid"]
    (run,) = trained.client.search_runs(
        [trained.run.info.experiment_id], f"tags.`alidade.dev/uid` = '{uid}'"
    )
    assert run.info.run_id == trained.status["mlflowRunId"]
    assert run.data.params["epochs"] == "1"
    assert run.data.metrics["accuracy"] > 0.8
    assert {"loss", "precision", "recall", "auc", "validation_loss"} <= run.data.metrics.keys()


def test_nothing_else_was_logged_while_they_ran(trained: Trained) -> None:
    since = trained.run.info.start_time
    # Where MLflow puts what nobody gives a place, and where the job's run is.
    places = ["0", trained.run.info.experiment_id]
    others = trained.client.search_runs(places, f"attributes.start_time >= {since}")
    assert [run for run in others if "alidade.dev/uid" not in run.data.tags] == []


def test_the_run_ends_with_the_job_tried_once(trained: Trained) -> None:
    trained.cluster.until_tracked("train")
    assert trained.run.info.status == "FINISHED"
    assert trained.run.data.tags["alidade.dev/attempts"] == "1"


def test_both_saw_the_same_epoch(trained: Trained) -> None:
    logs = [trained.cluster.kubectl("logs", pod["metadata"]["name"]) for pod in trained.pods]
    epochs = [[line for line in log.splitlines() if line.startswith("epoch")] for log in logs]
    assert epochs[0] == epochs[1]
    assert len(epochs[0]) == 1


def test_the_chief_registers_the_model_and_gives_its_version(trained: Trained) -> None:
    version = trained.status["outputs"]["model_version"]
    registered = trained.client.get_model_version("replicas", version)
    assert registered.run_id == trained.status["mlflowRunId"]


def test_when_one_pod_is_evicted_both_start_anew_and_it_is_no_failure(cluster: Cluster) -> None:
    cluster.apply(queue(resources=SMALL), experiment())
    slow = {**PARAMETERS, "epochs": "3", "batch_size": "4", "register_model_name": ""}
    given = [{"name": name, "value": value} for name, value in slow.items()]
    cluster.apply(job("train", replicas=REPLICAS, entryPoint="train", parameters=given))
    cluster.wait_for("train", message="2 of 2 pods run")
    (victim,) = cluster.list("pods", "--selector=batch.kubernetes.io/job-completion-index=1")
    name = victim["metadata"]["name"]
    cluster.until_logged(name, "epoch 1/")
    cluster.evict(name)
    cluster.wait_for("train", state="Finished")
    (lost,) = (p for p in cluster.list("pods") if p["status"]["phase"] == "Failed")
    assert lost["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 75
