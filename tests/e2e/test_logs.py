"""Logs outlive pods: each is an artifact of its job's run, however the pod ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.artifacts import load_text

from tests.support.cluster import Cluster, namespace, tracking_server
from tests.support.manifests import experiment, job, queue, shell
from tests.support.polling import eventually

SMALL = {"requests": {"cpu": "50m", "memory": "64Mi"}}
LAST_WORDS = "trap 'sleep 5; echo stopped; exit 1' TERM; echo started; sleep 600 & wait"
ODD = r"printf 'out of \177\302\205\357\277\276\033[31mpaper\n'"
# More than the 10 MiB at which the kubelet starts another file, for which it looks every 10 s.
TALKS_MUCH = """python -uc '
import time
print("the beginning")
for number in range(10000): print(number, "x" * 1100)
time.sleep(15)
print("the end")'"""
INIT: dict[str, Any] = {
    "name": "fetch",
    "image": "localhost/alidade-example-mnist:dev",
    "command": ["sh", "-c", "echo no data here; exit 9"],
}


def _spec(script: str, **container: Any) -> dict[str, Any]:
    return {"podTemplate": shell(script, **container)}


def _takes_its_time() -> dict[str, Any]:
    template = shell(LAST_WORDS)
    template["spec"]["terminationGracePeriodSeconds"] = 60
    return {"podTemplate": template}


def _with_init() -> dict[str, Any]:
    template = shell("true")
    template["spec"]["initContainers"] = [INIT]
    return {"podTemplate": template}


JOBS: dict[str, tuple[dict[str, Any], list[set[str]]]] = {
    "ends-well": (_spec("echo all well"), [{"all well"}]),
    "fails-twice": (
        {**_spec("echo attempt by $HOSTNAME; exit 3"), "backoffLimit": 1},
        [{"attempt by"}, {"attempt by"}],
    ),
    "has-no-command": (
        _spec("", command=["there-is-no-such-command"]),
        [{"executable file not found"}],
    ),
    "has-no-data": (_with_init(), [{"no data here"}]),
    "speaks-oddly": (_spec(ODD), [{"out of \x7f\x85", "paper"}]),
    "is-cancelled": (_takes_its_time(), [{"started", "stopped"}]),
    "is-deleted": (_takes_its_time(), [{"started", "stopped"}]),
}
STOPPED = ("is-cancelled", "is-deleted")


@dataclass(frozen=True)
class Archive:
    client: MlflowClient
    runs: dict[str, str]
    told: dict[str, str]

    def logs(self, name: str) -> list[str]:
        """Return the logs that the run of a job has."""
        run_id = self.runs[name]
        root = self.client.get_run(run_id).info.artifact_uri
        folders = self.client.list_artifacts(run_id, "logs")
        files = [f for folder in folders for f in self.client.list_artifacts(run_id, folder.path)]
        return [load_text(f"{root}/{file.path}") for file in files]


def _stop(cluster: Cluster) -> None:
    for name in STOPPED:
        # The container runs before its shell has laid its trap.
        cluster.until_logged(f"job/{name}", "started")
    cluster.cancel("is-cancelled")
    cluster.kubectl("delete", "jobs.alidade.dev", "is-deleted", "--wait=false")
    cluster.until_deleted("pods", "-l=alidade.dev/job=is-deleted")


@pytest.fixture(scope="module")
def archive() -> Iterator[Archive]:
    with namespace("e2e-logs") as cluster, tracking_server() as client:
        cluster.apply(
            queue(resources=SMALL),
            experiment(),
            job("talks-much", **_spec(TALKS_MUCH)),
            *(job(n, **s) for n, (s, _) in JOBS.items()),
        )
        runs = {name: cluster.wait_for(name, state="Started")["mlflowRunId"] for name in STOPPED}
        _stop(cluster)
        told = {}
        for name, status in cluster.wait_for_ends().items():
            told[name] = eventually(partial(_how_archived, cluster, name))
            runs[name] = status["mlflowRunId"]
        yield Archive(client, runs, told)


def _how_archived(cluster: Cluster, name: str) -> str:
    """Return what is told of a job's logs, once that is final."""
    conditions = cluster.job_status(name)["conditions"]
    reasons = {condition["type"]: str(condition["reason"]) for condition in conditions}
    return reasons.get("LogsArchived", "").removesuffix("Archiving")


def test_all_logs_are_told_to_be_there(archive: Archive) -> None:
    assert archive.told == dict.fromkeys(archive.told, "Archived") | {
        "talks-much": "LogsIncomplete"
    }


def test_of_a_log_that_the_kubelet_began_anew_the_end_is_kept(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", archive.client.tracking_uri)
    (log,) = archive.logs("talks-much")
    assert log.endswith("the end\n")


def test_the_run_of_a_deleted_job_was_killed(archive: Archive) -> None:
    # Its run is ended once the job itself is gone.
    eventually(lambda: archive.client.get_run(archive.runs["is-deleted"]).info.status == "KILLED")
    run = archive.client.get_run(archive.runs["is-deleted"])
    assert run.data.tags["alidade.dev/reason"] == "Deleted"


@pytest.mark.parametrize("name", JOBS)
def test_what_each_pod_said_is_in_the_run(
    name: str, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", archive.client.tracking_uri)
    _, expected = JOBS[name]

    def check() -> bool:
        logs = archive.logs(name)
        assert len(logs) == len(expected)
        for words, log in zip(expected, logs, strict=True):
            assert all(word in log for word in words), log
        return True

    # Nothing that could be waited for tells of the logs of a job that is gone.
    eventually(check)
