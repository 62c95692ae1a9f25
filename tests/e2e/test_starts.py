"""How long a job's start may take: the queue's limits count from the first complaint.

A long download is none, and a job that fits on no node does not keep others from theirs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from alidade import Client
from alidade.jobs.why import Cause
from tests.support.cluster import KUBECONFIG, Cluster, namespace
from tests.support.command_line import CommandLine
from tests.support.manifests import IMAGE, experiment, job, queue, shell
from tests.support.polling import eventually

SMALL = {"requests": {"cpu": "50m", "memory": "32Mi"}}
DEADLINE_SECONDS = 20
"""Longer than a kubelet's ten seconds and more between two looks for a missing Secret."""
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "late"},
    "stringData": {"key": "value"},
}


def init_container(name: str, script: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": IMAGE, "command": ["sh", "-c", script], **fields}


def prepares_for_long() -> dict[str, Any]:
    """Return a pod template that downloads for longer than the deadline, and lacks a Secret."""
    key = {"secretKeyRef": {"name": "late", "key": "key"}}
    template = shell("true", env=[{"name": "KEY", "valueFrom": key}])
    download = init_container("download", f"sleep {DEADLINE_SECONDS + 2}")
    template["spec"]["initContainers"] = [download]
    return template


def bad_sidecar() -> dict[str, Any]:
    """Return a pod template whose sidecar never comes up."""
    template = shell("true")
    probe = {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 60}
    side = {"restartPolicy": "Always", "startupProbe": probe}
    script = "echo no configuration; exit 1"
    template["spec"]["initContainers"] = [init_container("side", script, **side)]
    return template


IN_THE_WAY = {"fits-nowhere": "Insufficient memory", "prepares-for-long": '"late" not found'}


@dataclass(frozen=True)
class Started:
    """Jobs whose start took long, what was said meanwhile, and what came of them."""

    cluster: Cluster
    meanwhile: dict[str, dict[str, Any]]
    why: dict[str, Cause]
    statuses: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def started() -> Iterator[Started]:
    vast = shell("true", resources={"requests": {"memory": "9000Gi"}})
    with namespace("e2e-starts") as cluster:
        cluster.apply(
            queue(resources=SMALL, startDeadlineSeconds=DEADLINE_SECONDS),
            queue("narrow", resources=SMALL, maxRunning=1, placementTimeoutSeconds=5),
            experiment(),
            job("prepares-for-long", podTemplate=prepares_for_long()),
            job("has-a-bad-sidecar", podTemplate=bad_sidecar()),
            job("fits-nowhere", queue="narrow", priority=1, podTemplate=vast),
        )
        cluster.wait_for("fits-nowhere", reason="Unschedulable")
        cluster.apply(job("fits-anywhere", queue="narrow", podTemplate=shell("true")))
        anywhere = cluster.wait_for("fits-anywhere", state="Finished")
        nowhere = eventually(lambda: _told(cluster, "fits-nowhere", "Insufficient memory"))
        lacks = cluster.wait_for("prepares-for-long", reason="CreateContainerConfigError")
        side = eventually(lambda: _told(cluster, "has-a-bad-sidecar", "side"))
        with Client(cluster.namespace, kubeconfig=KUBECONFIG) as client:
            why = {name: _why(client, name, words) for name, words in IN_THE_WAY.items()}
        cluster.apply(SECRET)
        meanwhile = {
            "fits-anywhere": anywhere,
            "fits-nowhere": nowhere,
            "prepares-for-long": lacks,
            "has-a-bad-sidecar": side,
        }
        cluster.cancel("fits-nowhere")
        yield Started(cluster, meanwhile, why, cluster.wait_for_ends())


def _told(cluster: Cluster, name: str, words: str) -> dict[str, Any]:
    status = cluster.job_status(name)
    assert words in status["message"], status
    return status


def _why(client: Client, name: str, words: str) -> Cause:
    def root() -> Cause:
        cause = client.why(name)[-1]
        assert words in f"{cause.message} {' '.join(cause.also)}", cause
        return cause

    return eventually(root)


def test_a_download_does_not_count_and_a_secret_may_come_late(started: Started) -> None:
    assert '"late" not found' in started.meanwhile["prepares-for-long"]["message"]
    status = started.statuses["prepares-for-long"]
    assert status["state"] == "Finished", status["message"]


def test_a_sidecar_that_crashes_is_quoted_and_ends_its_job_in_time(started: Started) -> None:
    status = started.statuses["has-a-bad-sidecar"]
    assert (status["state"], status["reason"]) == ("Failed", "CrashLoopBackOff")
    assert "no configuration" in status["message"]
    started.cluster.until_archived("has-a-bad-sidecar")


def test_why_says_what_keeps_a_pod_from_its_start(
    started: Started, command_line: CommandLine
) -> None:
    assert {name: cause.name for name, cause in started.why.items()} == {
        name: f"job {name}" for name in IN_THE_WAY
    }
    code, said = command_line("why", "has-a-bad-sidecar", "-n", started.cluster.namespace)
    assert code == 0
    assert said.startswith("job has-a-bad-sidecar is Failed: CrashLoopBackOff")
    assert "no configuration" in said


def test_a_job_that_fits_nowhere_gives_its_place_back_and_tells_so(started: Started) -> None:
    assert started.meanwhile["fits-nowhere"]["state"] == "Queued"
    assert started.statuses["fits-anywhere"]["state"] == "Finished"
    assert started.statuses["fits-nowhere"]["state"] == "Cancelled"
    started.cluster.until_told("fits-nowhere", "placementTimeoutSeconds")
