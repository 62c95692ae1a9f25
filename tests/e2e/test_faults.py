"""The operator and the tracking server go away; the jobs' outcome is the same."""

from typing import Any

import pytest
from mlflow import MlflowClient

from tests.support.cluster import SYSTEM, Cluster, without
from tests.support.manifests import (
    IMAGE,
    experiment,
    go_ahead,
    job,
    queue,
    shell,
    with_workflow_after,
    workflow,
)
from tests.support.polling import eventually

# What other tests say of logs, attempts and refusals is so only while both are there.
pytestmark = pytest.mark.alone
system = Cluster(SYSTEM)


def odd_pod() -> dict[str, Any]:
    """Return somebody's pod that says of itself that it belongs to a job, and is none of its."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "odd",
            "labels": {"alidade.dev/job": "first"},
            "annotations": {"batch.kubernetes.io/job-completion-index": "none"},
        },
        "spec": {"containers": [{"name": "worker", "image": IMAGE, "command": ["sleep", "600"]}]},
    }


def test_jobs_outlive_the_operator_also_beside_somebodys_odd_pod(
    cluster: Cluster, tracking: MlflowClient
) -> None:
    cluster.apply(odd_pod(), queue(maxRunning=1), experiment())
    cluster.apply(
        job("first", podTemplate=shell("sleep 8")),
        job("second", "first", podTemplate=shell("true")),
    )
    cluster.wait_for_start("first")
    system.kubectl(
        "delete", "pods", "--selector", "app.kubernetes.io/component=operator", "--force",
        "--grace-period=0",
    )  # fmt: skip
    ends = cluster.wait_for_ends()
    assert {name: status["state"] for name, status in ends.items()} == {
        "first": "Finished",
        "second": "Finished",
    }
    runs = tracking.search_runs(
        [cluster.mlflow_experiment("bench")],
        f"tags.`alidade.dev/namespace` = '{cluster.namespace}'",
    )
    assert {run.info.run_id for run in runs} == {s["mlflowRunId"] for s in ends.values()}


def hasty() -> dict[str, Any]:
    """Return a pod template whose worker starts once MLflow is away, and does not wait for it.

    A later pod finds `/go/now` and starts at once.
    """
    impatient = [{"name": "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "value": "0"}]
    there = f"2>/dev/null </dev/tcp/alidade-mlflow.{SYSTEM}/5000"
    script = f"until [ -e /go/now ] || ! : {there}; do sleep 0.5; done"
    return with_workflow_after(script, env=impatient)


def test_jobs_outlast_the_tracking_server(cluster: Cluster) -> None:
    cluster.apply(
        workflow({"main": {"command": "true"}}),
        queue(),
        experiment(workflow={"image": IMAGE, "path": "/own"}),
        job("hasty", podTemplate=hasty()),
    )
    begun = cluster.wait_for("hasty", reason="PodPending")
    with without("mlflow"):
        cluster.apply(go_ahead(), experiment("apart"))
        cluster.apply(job("patient", experiment="apart", podTemplate=shell("true")))
        patient = cluster.wait_for("patient", reason="TrackingUnavailable")
        assert patient["state"] == "Queued"
        assert "MLflow unreachable since" in patient["message"]
        eventually(lambda: any("exitCode" in a for a in cluster.job_status("hasty")["attempts"]))
    ends = cluster.wait_for_ends()
    assert ends["patient"]["state"] == "Finished", ends["patient"]
    assert ends["patient"]["mlflowRunId"]
    hasty_end = ends["hasty"]
    assert (hasty_end["state"], hasty_end["mlflowRunId"]) == ("Finished", begun["mlflowRunId"])
    first, *_ = hasty_end["attempts"]
    assert (first["exitCode"], first["reason"]) == (69, "TrackingUnavailable")
