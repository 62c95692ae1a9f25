"""What people do by hand to batch/v1 Jobs and to runs, and to jobs whose name they use again."""

import json
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import load_text

from tests.support.cluster import SYSTEM, Cluster
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

SMALL = {"requests": {"cpu": "50m", "memory": "32Mi"}}
EDITS: dict[str, dict[str, Any]] = {
    "label": {"metadata": {"labels": {"alidade.dev/job": None}}},
    "owner": {"metadata": {"ownerReferences": None}},
    "parallelism": {"spec": {"parallelism": 3}},
}


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


def edit(cluster: Cluster, name: str, patch: dict[str, Any]) -> None:
    """Change a batch/v1 Job by hand."""
    cluster.kubectl("patch", "jobs.batch", name, "--type=merge", "--patch", json.dumps(patch))


@pytest.mark.parametrize("what", EDITS)
def test_what_is_the_operators_is_put_back_and_the_job_runs_on(long: Cluster, what: str) -> None:
    def told() -> list[Any]:
        batch = long.get("jobs.batch", "long")
        metadata = batch["metadata"]
        own = metadata["labels"].get("alidade.dev/job"), metadata.get("ownerReferences")
        return [*own, batch["spec"]["parallelism"]]

    def pods() -> list[str]:
        return [pod["metadata"]["uid"] for pod in long.pods_of("long")]

    before, beginning = told(), pods()
    edit(long, "long", EDITS[what])
    eventually(lambda: told() == before)
    eventually(lambda: pods() == beginning)
    assert long.wait_for("long", reason="Running")["state"] == "Started"
    long.cancel("long")
    long.wait_for("long", state="Cancelled")
    long.until_deleted("pods", "--all")


def test_a_batch_job_let_run_before_its_turn_is_made_anew(long: Cluster) -> None:
    def anew() -> bool:
        (batch,) = long.list("jobs.batch", "--selector=alidade.dev/job=next")
        own = batch["metadata"]["uid"] != early["metadata"]["uid"]
        return own and batch["spec"]["suspend"] is True

    early = long.get("jobs.batch", "next")
    edit(long, "next", {"spec": {"suspend": False}})
    long.until_told("next", "OutOfTurn")
    status = long.wait_for("next", state="Waiting", reason="DependencyPending")
    assert "startTime" not in status
    eventually(anew)
    assert not long.pods_of("next")
    told = [(a["fate"], a["reason"]) for a in long.job_status("next").get("attempts", ())]
    assert set(told) <= {("Stopped", "PodStopped")}


def test_a_run_that_is_deleted_for_good_before_its_pod_begins_is_made_anew(
    cluster: Cluster, tracking: MlflowClient
) -> None:
    template = with_workflow_after("until [ -e /go/now ]; do sleep 0.2; done")
    cluster.apply(
        workflow({"main": {"command": "true"}}),
        queue(),
        experiment(workflow={"image": IMAGE, "path": "/own"}),
        job("loses", podTemplate=template),
    )
    lost = cluster.wait_for("loses", reason="PodPending")["mlflowRunId"]
    tracking.delete_run(lost)
    collect = f'mlflow gc --backend-store-uri "$MLFLOW_BACKEND_STORE_URI" --run-ids {lost}'
    where = "MLFLOW_TRACKING_URI=http://127.0.0.1:5000"
    Cluster(SYSTEM).kubectl(
        "exec", "deployment/alidade-mlflow", "--", "bash", "-c", f"{where} {collect}"
    )
    cluster.apply(go_ahead())
    status = cluster.wait_for("loses", state="Finished")
    assert status["retries"]["lostRuns"] == [lost]
    first, last = status["attempts"]
    assert (first["exitCode"], first["reason"], last["exitCode"]) == (76, "RunGone", 0)
    cluster.until_tracked("loses")
    run = cluster.run(tracking, "loses")
    assert (run.info.run_id, run.info.status) == (status["mlflowRunId"], "FINISHED")
    assert run.info.run_id != lost


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
