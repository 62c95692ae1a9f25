"""What the pages say about commands and the client, where pods end well on paper."""

from collections.abc import Iterator

import pytest
import yaml
from kubernetes.dynamic import DynamicClient

from tests.integration.bench import NewOperator
from tests.integration.scene import Scene
from tests.support.control_plane import ControlPlane, binaries
from tests.support.docs import programs
from tests.support.docs.pages import RUN, TEMPLATE, Block, World, blocks_of, run_in
from tests.support.docs.session import Sessions
from tests.support.kubelet import Attempt, Kubelet, running, succeeded
from tests.support.sources import EXAMPLE
from tests.support.tracking import TrackingServer

NAMESPACE = "docs"
INSTALL = "pip install ./client"


@pytest.fixture(scope="module")
def operator(new_operator: NewOperator) -> Iterator[None]:
    """An operator that knows the worker's image, as the chart's does."""
    with new_operator(worker_image="localhost/alidade-worker:dev"):
        yield


@pytest.fixture(scope="module")
def tutorial(
    operator: None,
    plane: ControlPlane,
    api: DynamicClient,
    kubelet: Kubelet,
    tracking: TrackingServer,
) -> Iterator[Scene]:
    """A namespace in which the tutorial's eight jobs have ended."""
    plane.kubectl("create", "namespace", NAMESPACE)
    scene = Scene(NAMESPACE, plane, api, kubelet, tracking)
    kubelet.play(NAMESPACE, _fate)
    scene.kubectl("apply", "--kustomize", str(EXAMPLE))
    jobs = {manifest["metadata"]["name"] for manifest in _jobs()}
    scene.until_states(dict.fromkeys(jobs, "Finished"))
    yield scene
    scene.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="module")
def sessions(tutorial: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sessions]:
    folder = tmp_path_factory.mktemp("docs")
    environment = programs.environment(folder / "venv", binaries())
    environment["KUBECONFIG"] = str(tutorial.kubeconfig(folder))
    environment["MLFLOW_TRACKING_URI"] = tutorial.tracking.uri
    prelude = f"{programs.PRELUDE}\n{INSTALL}\n"
    with Sessions(folder, environment, prelude) as sessions:
        yield sessions


@pytest.mark.parametrize("block", run_in(World.SCENE, *RUN), ids=lambda block: block.place)
def test_it_does_what_the_page_says(block: Block, sessions: Sessions) -> None:
    sessions.run(block)


def test_what_a_workflow_to_begin_with_says_of_itself(sessions: Sessions) -> None:
    block = next(block for block in blocks_of(TEMPLATE) if block.language == "sh")
    folder = block.source.partition(" -e ")[2].split()[0]
    begun = sessions.printed(TEMPLATE, f"kubectl alidade init {folder} && cd {folder}")
    assert folder in begun
    assert "robust_accuracy" in sessions.printed(TEMPLATE, block.source)


def _fate(job: str, attempt: int) -> Attempt:
    """Have every job run once, and give what the tutorial's trainings give."""
    assert attempt == 0, f"{job} is tried again"
    return [running(), succeeded({"model_version": "1"})]


def _jobs() -> Iterator[dict[str, dict[str, str]]]:
    for file in EXAMPLE.glob("manifests/*.yaml"):
        for manifest in yaml.safe_load_all(file.read_text()):
            if manifest["kind"] == "Job":
                yield manifest
