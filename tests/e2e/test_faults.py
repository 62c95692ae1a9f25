"""The operator and the tracking server go away; the jobs' outcome is the same."""

from mlflow import MlflowClient

from tests.support.cluster import SYSTEM, Cluster
from tests.support.manifests import experiment, job, queue, shell

system = Cluster(SYSTEM)


def test_jobs_outlive_the_operator(cluster: Cluster, tracking: MlflowClient) -> None:
    cluster.apply(queue(maxRunning=1), experiment())
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
    bench = tracking.get_experiment_by_name(f"{cluster.namespace}/bench")
    assert bench
    runs = tracking.search_runs(
        [bench.experiment_id], f"tags.`alidade.dev/namespace` = '{cluster.namespace}'"
    )
    assert {run.info.run_id for run in runs} == {s["mlflowRunId"] for s in ends.values()}


def test_jobs_wait_for_the_tracking_server(cluster: Cluster) -> None:
    system.kubectl("scale", "deployment/alidade-mlflow", "--replicas=0")
    try:
        system.until_deleted("pods", "--selector", "app.kubernetes.io/component=mlflow")
        cluster.apply(queue(), experiment("apart"))
        cluster.apply(job("patient", experiment="apart", podTemplate=shell("true")))
        status = cluster.wait_for("patient", reason="TrackingUnavailable")
        assert status["state"] == "Queued"
        assert "MLflow unreachable since" in status["message"]
    finally:
        system.kubectl("scale", "deployment/alidade-mlflow", "--replicas=1")
    system.kubectl("rollout", "status", "deployment/alidade-mlflow", "--timeout=180s")
    ends = cluster.wait_for_ends()
    assert ends["patient"]["state"] == "Finished"
    assert ends["patient"]["mlflowRunId"]
