"""An experiment whose artifacts are in S3, where operator and jobs bring them by themselves."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.bench import NewOperator
from tests.integration.scene import Scene
from tests.support.kubelet import running, succeeded
from tests.support.kubelet_logs import line
from tests.support.manifests import experiment, job, queue
from tests.support.operator import Operator
from tests.support.polling import eventually
from tests.support.s3 import S3Server
from tests.support.sources import WORKER
from tests.support.tracking import TrackingServer

pytestmark = pytest.mark.usefixtures("operator")

BUCKET = "results"
MLPROJECT = """
name: writes
entry_points:
  main: {command: "python write.py"}
"""
WRITE = """
import mlflow
with mlflow.start_run():
    mlflow.log_text("x", "x.txt")
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as store:
        store.client.create_bucket(Bucket=BUCKET)
        yield store


@pytest.fixture(scope="module")
def operator(new_operator: NewOperator, store: S3Server) -> Iterator[Operator]:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in store.environment.items():
            environment.setenv(name, value)
        instance = new_operator()
    with instance:
        yield instance


def keep_artifacts_in_s3(scene: Scene) -> None:
    location = f"s3://{BUCKET}/{scene.namespace}"
    scene.apply(queue(), experiment(artifactLocation=location))


def log_of(scene: Scene, name: str) -> dict[str, str]:
    """Return what the store has to have of a job's log, once it is told to be there."""
    scene.kubectl("wait", "--for=condition=LogsArchived", f"ajob/{name}", "--timeout=500s")
    (pod,) = (each["metadata"]["name"] for each in scene.pods(name))
    run_id = scene.status(name)["mlflowRunId"]
    return {f"{scene.namespace}/{run_id}/artifacts/logs/{pod}/worker.log": line(pod)}


def test_logs_go_where_the_experiment_keeps_its_artifacts(
    empty_scene: Scene, store: S3Server
) -> None:
    keep_artifacts_in_s3(empty_scene)
    empty_scene.apply(job("a"))
    empty_scene.until("a", "Finished")

    assert log_of(empty_scene, "a").items() <= store.objects(BUCKET).items()


def test_a_store_that_is_away_keeps_no_job_from_its_end_and_gets_the_log_when_it_is_back(
    empty_scene: Scene, store: S3Server
) -> None:
    scene = empty_scene
    keep_artifacts_in_s3(scene)
    scene.let("a", [running()])
    scene.apply(job("a"))
    scene.until("a", "Started")

    store.kill()
    scene.let("a", [running(), succeeded()])
    scene.until("a", "Finished")
    eventually(lambda: f'"{store.url}/{BUCKET}/' in archived(scene, "a"))
    store.start()
    store.client.create_bucket(Bucket=BUCKET)

    assert log_of(scene, "a") == store.objects(BUCKET)


def archived(scene: Scene, name: str) -> str:
    """Return what is said of the archive of a job's logs while they are not there."""
    conditions = scene.status(name)["conditions"]
    told = (c for c in conditions if c["type"] == "LogsArchived" and c["status"] == "False")
    return next((c["message"] for c in told), "")


def test_an_entry_point_logs_artifacts_there_as_anywhere(
    tmp_path: Path, tracking: TrackingServer, store: S3Server
) -> None:
    (tmp_path / "MLproject").write_text(MLPROJECT)
    (tmp_path / "write.py").write_text(WRITE)
    where = f"s3://{BUCKET}/of-a-worker"
    created = tracking.client.create_experiment(tmp_path.name, artifact_location=where)
    run_id = tracking.client.create_run(created).info.run_id
    told = {
        "ALIDADE_WORKFLOW": str(tmp_path),
        "ALIDADE_TERMINATION_LOG": str(tmp_path / "message"),
        "MLFLOW_TRACKING_URI": tracking.uri,
        "MLFLOW_RUN_ID": run_id,
        "PYTHONPATH": WORKER,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "alidade_worker"],
        env={**os.environ, **told, **store.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stdout + done.stderr
    assert store.objects(BUCKET)[f"of-a-worker/{run_id}/artifacts/x.txt"] == "x"
