"""Code that logs, forks and fails as people's code does, run by the worker."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.support.cluster import Cluster, namespace, tracking_server
from tests.support.command_line import CommandLine
from tests.support.manifests import (
    IMAGE,
    experiment,
    job,
    queue,
    with_workflow,
    workflow,
)

SMALL = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}}
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

SAYS_WHY = "echo step 1 of 2; echo the data set is not there: fetch it first; exit 3"
GRAPH = r"""
raise RuntimeError(
    "Graph execution error:\n\nDetected at node conv2d/Conv2D\n"
    "OOM when allocating tensor with shape[512,64,224,224]"
)
"""
SPELLED = """
import sys

import mlflow

with mlflow.start_run():
    mlflow.log_params({"eps": float(sys.argv[1]), "epochs": int(sys.argv[2])})
    mlflow.log_metric("done", 1)
"""
HOST = """
import os
import sys

import mlflow

with mlflow.start_run() as run:
    first = "tried" not in run.data.tags
    mlflow.log_param("host", os.environ["HOSTNAME"])
    mlflow.set_tag("tried", "yes")
    if first:
        sys.exit(1)
"""
LOADER = """
import multiprocessing


def eat():
    held = bytearray(2 * 2**30)
    for page in range(0, len(held), 4096):
        held[page] = 1


if __name__ == "__main__":
    child = multiprocessing.Process(target=eat)
    child.start()
    child.join()
    print("loader ended with", child.exitcode)
"""
ENTRY_POINTS = {
    "says-why": {"command": SAYS_WHY},
    "graph": {"command": "python graph.py"},
    "spelled": {
        "parameters": {"eps": "float", "epochs": {"type": "int", "default": 5}},
        "command": "python spelled.py {eps} {epochs}",
    },
    "host": {"command": "python host.py"},
    "loader": {"command": "python loader.py"},
}
JOBS: dict[str, dict[str, Any]] = {
    "says-why": {},
    "graph": {},
    "spelled": {"parameters": [{"name": "eps", "value": "1e-3"}]},
    "host": {"backoffLimit": 1},
    "loader": {},
}


@dataclass(frozen=True)
class Ran:
    """Jobs that have ended, with their runs."""

    cluster: Cluster
    client: MlflowClient
    statuses: dict[str, dict[str, Any]]

    def run(self, name: str) -> Run:
        """Return the only run of a job, once it has ended."""
        self.cluster.until_tracked(name)
        return self.cluster.run(self.client, name)


@pytest.fixture(scope="module")
def ran() -> Iterator[Ran]:
    code = {"graph": GRAPH, "spelled": SPELLED, "host": HOST, "loader": LOADER}
    with namespace("e2e-own-code") as cluster, tracking_server() as client:
        cluster.apply(
            workflow(ENTRY_POINTS, **code),
            queue(resources=SMALL, maxRunning=3),
            experiment(workflow={"image": IMAGE, "path": "/own"}),
            *(job(n, entryPoint=n, podTemplate=with_workflow(), **s) for n, s in JOBS.items()),
        )
        yield Ran(cluster, client, cluster.wait_for_ends())


def test_what_a_command_says_on_standard_output_is_the_cause(ran: Ran) -> None:
    status = ran.statuses["says-why"]
    assert (status["state"], status["rootCause"]["exitCode"]) == ("Failed", 3)
    assert "the data set is not there: fetch it first" in status["message"]
    assert "step 1 of 2" in status["rootCause"]["lastLines"]


def test_a_cause_of_several_lines_is_told_whole(ran: Ran) -> None:
    status = ran.statuses["graph"]
    assert status["state"] == "Failed"
    assert "RuntimeError: Graph execution error:" in status["message"]
    assert "OOM when allocating tensor" in status["rootCause"]["lastLines"]
    assert "OOM when allocating" in ran.run("graph").data.tags["alidade.dev/last-lines"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("says-why", "the data set is not there: fetch it first"), ("graph", "OOM when allocating")],
)
def test_why_has_what_the_code_said_last(
    name: str, words: str, ran: Ran, command_line: CommandLine
) -> None:
    code, said = command_line("why", name, "-n", ran.cluster.namespace)
    _, _, last_lines = said.partition("last lines:\n")
    assert (code, words in last_lines) == (0, True)


def test_code_may_log_a_parameter_as_it_has_read_it(ran: Ran) -> None:
    status = ran.statuses["spelled"]
    assert status["state"] == "Finished", status["message"]
    run = ran.run("spelled")
    assert float(run.data.params["eps"]) == 0.001
    assert run.data.metrics["done"] == 1


def test_a_second_attempt_may_log_what_differs_from_the_first(ran: Ran) -> None:
    status = ran.statuses["host"]
    assert status["state"] == "Finished", status["message"]
    assert [attempt["exitCode"] for attempt in status["attempts"]] == [1, 0]
    assert ran.run("host").data.tags["alidade.dev/attempts"] == "2"


def test_a_process_killed_for_want_of_memory_is_told_though_the_job_finished(ran: Ran) -> None:
    status = ran.statuses["loader"]
    assert (status["state"], status["reason"]) == ("Finished", "Completed")
    assert "memory" in status["message"]
    assert "memory" in ran.run("loader").data.tags["alidade.dev/message"]
    ran.cluster.until_told("loader", "memory")


def test_each_attempt_and_the_run_name_the_image_by_its_digest(ran: Ran) -> None:
    (attempt,) = ran.statuses["spelled"]["attempts"]
    assert DIGEST.search(attempt["imageId"]), attempt
    assert DIGEST.search(ran.run("spelled").data.tags["alidade.dev/image"])
