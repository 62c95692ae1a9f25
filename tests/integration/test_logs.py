"""Logs of pods, as artifacts of their job's run."""

import urllib.request

import pytest

from tests.integration.scene import JOB, Scene
from tests.support.kubelet import failed, running, succeeded
from tests.support.kubelet_logs import line
from tests.support.manifests import experiment, job, queue

pytestmark = pytest.mark.usefixtures("operator")


def until_archived(scene: Scene, name: str) -> None:
    scene.kubectl("wait", "--for=condition=LogsArchived", f"ajob/{name}", "--timeout=60s")


def artifact(scene: Scene, run_id: str, path: str) -> bytes:
    """Read an artifact as MLflow's page does."""
    url = f"{scene.tracking.uri}/get-artifact?path={path}&run_uuid={run_id}"
    with urllib.request.urlopen(url) as answer:
        content: bytes = answer.read()
    return content


def test_the_log_of_each_attempt_is_an_artifact_of_the_jobs_run(scene: Scene) -> None:
    scene.let("a", [running(), failed(1)], [running(), succeeded()])
    scene.apply(job("a", backoffLimit=1))
    status = scene.until("a", "Finished")
    until_archived(scene, "a")

    pods = [pod["metadata"]["name"] for pod in scene.pods("a")]
    assert len(pods) == 2
    for pod in pods:
        found = artifact(scene, status["mlflowRunId"], f"logs/{pod}/worker.log")
        assert found == line(pod).encode()


def test_the_condition_says_where_they_are(scene: Scene) -> None:
    scene.apply(job("a"))
    until_archived(scene, "a")
    (condition,) = [
        c for c in scene.get(JOB, "a")["status"]["conditions"] if c["type"] == "LogsArchived"
    ]
    assert condition["reason"] == "Archived"
    assert condition["message"] == "1 under logs/ in the MLflow run's artifacts"


def test_a_job_without_a_run_has_no_archive(empty_scene: Scene) -> None:
    empty_scene.apply(queue(), experiment(tracking="None"), job("a"))
    empty_scene.until("a", "Finished")
    kinds = {c["type"] for c in empty_scene.status("a")["conditions"]}
    assert "LogsArchived" not in kinds
