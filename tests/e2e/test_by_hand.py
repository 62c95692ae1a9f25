"""What people do to batch/v1 Jobs by hand, and to jobs whose name they use again."""

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import load_text

from tests.support.cluster import Cluster
from tests.support.manifests import experiment, job, queue, shell
from tests.support.polling import eventually

SMALL = {"requests": {"cpu": "50m", "memory": "32Mi"}}


@pytest.fixture
def long(cluster: Cluster) -> Cluster:
    """A namespace with a job that runs on and on, and one behind it."""
    cluster.apply(
        queue(resources=SMALL),
        experiment(),
        job("long", podTemplate=shell("echo begun; sleep 600")),
        job("next", "long", podTemplate=shell("true")),
    )
    cluster.wait_for("long", state="Started", reason="Running")
    return cluster


def test_a_batch_job_deleted_by_hand_cancels_its_job(long: Cluster, tracking: MlflowClient) -> None:
    long.kubectl("delete", "jobs.batch", "long", "--wait=false")
    status = long.wait_for("long", state="Cancelled")
    assert status["reason"] == "BackingJobDeleted"
    assert "deleted" in status["message"]
    assert long.wait_for("next", state="Skipped")["rootCause"]["job"] == "long"
    long.until_tracked("long")
    assert long.run(tracking, "long").info.status == "KILLED"


def test_a_label_taken_off_by_hand_is_put_back_and_the_job_runs_on(long: Cluster) -> None:
    (pod,) = long.pods_of("long")
    long.kubectl("label", "jobs.batch", "long", "alidade.dev/job-")
    eventually(
        lambda: (
            long.get("jobs.batch", "long")["metadata"]["labels"].get("alidade.dev/job") == "long"
        )
    )
    status = long.wait_for("long", reason="Running")
    assert status["state"] == "Started"
    (same,) = long.pods_of("long")
    assert same["metadata"]["uid"] == pod["metadata"]["uid"]
    long.cancel("long")
    long.wait_for("long", state="Cancelled")
    long.until_deleted("pods", "--all")


def test_a_job_made_again_by_the_same_name_has_its_own_log_and_run(
    cluster: Cluster, tracking: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.tracking_uri)
    says = "trap 'echo {0} stops; exit 0' TERM; echo {0} begins; sleep {1} & wait"
    cluster.apply(queue(resources=SMALL), experiment())
    runs = []
    for which, seconds in (("first", "600"), ("second", "1")):
        template = shell(says.format(which, seconds))
        template["spec"]["terminationGracePeriodSeconds"] = 10
        cluster.apply(job("same", podTemplate=template))
        status = cluster.wait_for("same", state="Started" if which == "first" else "Finished")
        runs.append(status["mlflowRunId"])
        if which == "first":
            cluster.kubectl("delete", "ajob", "same", "--cascade=background")
    assert runs[0] != runs[1]
    cluster.until_archived("same")
    assert _log(tracking, runs[1]) == "second begins\n"
    eventually(lambda: _log(tracking, runs[0]) == "first begins\nfirst stops\n")
    eventually(lambda: tracking.get_run(runs[0]).info.status == "KILLED")


def _log(client: MlflowClient, run_id: str) -> str:
    root = client.get_run(run_id).info.artifact_uri
    folders = client.list_artifacts(run_id, "logs")
    files = [file for f in folders for file in client.list_artifacts(run_id, f.path)]
    return "".join(load_text(f"{root}/{file.path}") for file in files)
