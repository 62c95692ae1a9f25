"""A folder of code becomes a job without an image of its own, by the client that users have."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from alidade import Client
from alidade.packing import pack
from alidade_core.api.job import Job
from tests.support.cluster import KUBECONFIG, Cluster, namespace
from tests.support.manifests import Body, experiment, job, queue

SMALL = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}}
MLPROJECT = """
name: own
entry_points:
  greet:
    parameters:
      whom: string
    command: "python greet.py {whom}"
"""
GREET = """
import sys

from words import GREETING

from alidade_worker.outputs import set_output

print(f"{GREETING}, {sys.argv[1]}", flush=True)
set_output("said", GREETING)
"""


@dataclass(frozen=True)
class Bench:
    """A namespace with an experiment that names no image, a folder of code, and the client."""

    cluster: Cluster
    client: Client
    folder: Path

    def says(self, greeting: str) -> None:
        """Change the one line that matters."""
        (self.folder / "words.py").write_text(f"GREETING = {greeting!r}\n")

    def submit(self, name: str) -> Job:
        """Submit the folder as it is now, and wait for the end."""
        made = self.client.submit(
            self.folder, "greet", experiment="bench", parameters={"whom": "node"}, name=name
        )
        return self.client.wait(made, timeout=500)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("own")
    (folder / "MLproject").write_text(MLPROJECT)
    (folder / "greet.py").write_text(GREET)
    with (
        namespace("e2e-sources") as cluster,
        Client(cluster.namespace, kubeconfig=KUBECONFIG) as client,
    ):
        cluster.apply(queue(resources=SMALL), experiment(workflow=None))
        yield Bench(cluster, client, folder)


def test_a_folder_is_submitted_changed_and_submitted_again(bench: Bench) -> None:
    said = {}
    for name, greeting in (("first", "Good morning"), ("second", "Good evening")):
        bench.says(greeting)
        done = bench.submit(name)
        assert done.status.state == "Finished", done.status.message
        assert done.status.workflow is not None
        assert done.status.workflow.sha256 == pack(bench.folder).sha256
        said[name] = done.status.outputs["said"]
        logged = [line.text for line in bench.client.logs(name)]
        assert f"{greeting}, node" in logged
    assert said == {"first": "Good morning", "second": "Good evening"}


def test_the_same_code_again_is_the_same_archive(bench: Bench) -> None:
    bench.says("Good night")
    sources = {
        job.status.workflow.sha256
        for job in (bench.submit("third"), bench.submit("fourth"))
        if job.status.workflow
    }
    assert len(sources) == 1


def _config_map(content: bytes) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "code"},
        "binaryData": {"own.tar.gz": base64.b64encode(content).decode()},
    }


def _from_config_map(name: str, sha256: str) -> Body:
    source = {"configMap": {"name": "code", "key": "own.tar.gz", "sha256": sha256}}
    whom = {"name": "whom", "value": "map"}
    return job(name, entryPoint="greet", parameters=[whom], workflow={"source": source})


def test_a_config_map_may_hold_it_and_what_is_not_what_was_asked_for_is_not_run(
    bench: Bench,
) -> None:
    bench.says("Good day")
    content = pack(bench.folder).content
    digest, other = hashlib.sha256(content).hexdigest(), hashlib.sha256(b"").hexdigest()
    bench.cluster.apply(
        _config_map(content), _from_config_map("held", digest), _from_config_map("other", other)
    )
    assert bench.client.wait("held", timeout=500).status.outputs == {"said": "Good day"}
    refused = bench.client.wait("other", timeout=500).status
    assert (refused.state, refused.reason) == ("Failed", "WorkflowNotFound")
    assert refused.root_cause is not None
    assert refused.root_cause.exit_code == 66
    assert f"its sha256 is {digest}, not {other}" in str(refused.message)
