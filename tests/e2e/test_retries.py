"""Jobs that are tried again, or stopped and resumed: one run, whatever its pods went through."""

from collections.abc import Iterator
from dataclasses import dataclass
from signal import SIGKILL, SIGTERM
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.support.cluster import Cluster, namespace, tracking_server
from tests.support.manifests import experiment, go_ahead, job, queue, shell, waiting_for_it

SMALL = {"requests": {"cpu": "50m", "memory": "64Mi"}}
FAILS_AT_FIRST = 'if [ ! -e /go/now ]; then echo "not yet"; exit 3; fi'
UNTIL_TOLD = "until [ -e /go/now ]; do sleep 0.2; done"


@dataclass(frozen=True)
class Tried:
    """Jobs that have ended, with their runs."""

    cluster: Cluster
    client: MlflowClient
    statuses: dict[str, dict[str, Any]]

    def run(self, name: str) -> Run:
        """Return the only run of a job, once it has ended."""
        self.cluster.until_tracked(name)
        run = self.cluster.run(self.client, name)
        assert run.info.run_id == self.statuses[name]["mlflowRunId"]
        return run


@pytest.fixture(scope="module")
def tried() -> Iterator[Tried]:
    with namespace("e2e-retries") as cluster, tracking_server() as client:
        cluster.apply(
            queue(resources=SMALL),
            experiment(),
            job("gives-up", backoffLimit=1, podTemplate=shell("echo no use; exit 4")),
            job("is-stopped", podTemplate=waiting_for_it(UNTIL_TOLD)),
        )
        cluster.wait_for("is-stopped", state="Started")
        cluster.patch("is-stopped", suspend=True)
        cluster.wait_for("is-stopped", state="Queued", reason="Suspended")
        cluster.until_deleted("pods", "-l=alidade.dev/job=is-stopped")
        # Its second attempt, which comes ten seconds after the first, is to find the signal.
        cluster.apply(job("recovers", backoffLimit=1, podTemplate=waiting_for_it(FAILS_AT_FIRST)))
        cluster.wait_for("recovers", reason="Retrying")
        cluster.apply(go_ahead())
        cluster.patch("is-stopped", suspend=False)
        yield Tried(cluster, client, cluster.wait_for_ends())


@pytest.mark.parametrize("name", ["recovers", "is-stopped"])
def test_a_job_that_ended_well_at_last_has_one_run_that_did(name: str, tried: Tried) -> None:
    status = tried.statuses[name]
    assert (status["state"], len(status["attempts"])) == ("Finished", 2)
    assert "rootCause" not in status
    run = tried.run(name)
    assert run.info.status == "FINISHED"
    assert run.data.tags["alidade.dev/attempts"] == "2"


def test_a_job_that_failed_each_time_tells_the_last_cause(tried: Tried) -> None:
    status = tried.statuses["gives-up"]
    assert (status["state"], status["reason"]) == ("Failed", "Error")
    assert status["message"] == "failed: exit code 4: no use (attempt 2 of 2)"
    assert status["rootCause"]["exitCode"] == 4
    run = tried.run("gives-up")
    assert run.info.status == "FAILED"
    assert run.data.tags["alidade.dev/attempts"] == "2"


@pytest.mark.parametrize(
    ("name", "reasons", "codes"),
    [
        ("recovers", ["Error", "Completed"], [3, 0]),
        ("gives-up", ["Error", "Error"], [4, 4]),
    ],
)
def test_what_became_of_each_attempt_is_told(
    name: str, reasons: list[str], codes: list[int], tried: Tried
) -> None:
    attempts = tried.statuses[name]["attempts"]
    assert [attempt["reason"] for attempt in attempts] == reasons
    assert [attempt["exitCode"] for attempt in attempts] == codes
    tags = tried.run(name).data.tags
    for number, attempt in enumerate(attempts, 1):
        assert attempt["startTime"] <= attempt["completionTime"]
        where = f"{attempt['pod']} on {attempt['node']}, image {attempt['imageId']}"
        told = f"{where}: {attempt['message']}"
        assert tags[f"alidade.dev/attempt-{number}"] == told


def test_an_attempt_that_was_stopped_tells_that_too(tried: Tried) -> None:
    stopped, last = tried.statuses["is-stopped"]["attempts"]
    assert stopped["exitCode"] in (128 + SIGTERM, 128 + SIGKILL)
    assert last["reason"] == "Completed"
