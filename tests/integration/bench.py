"""The bench: one control plane and one MLflow, an operator a module, a namespace a test.

It is a plugin. If each conftest.py imported its fixtures, a session would have two of each.
"""

import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from kubernetes import client, config
from kubernetes.dynamic import DynamicClient

from tests.integration.scene import Scene
from tests.support.audit import AuditLog
from tests.support.control_plane import ControlPlane, node
from tests.support.kubelet import Kubelet
from tests.support.kubelet_logs import LogServer
from tests.support.manifests import experiment, queue
from tests.support.operator import Operator
from tests.support.rights import USER, grant
from tests.support.sources import REPOSITORY
from tests.support.tracking import TrackingServer

CRDS = REPOSITORY / "crds"
NewScene = Callable[[], Scene]
NewOperator = Callable[..., Operator]


@pytest.fixture(scope="session")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    server = TrackingServer(tmp_path_factory.mktemp("mlflow"))
    # It takes its time; whoever needs it first waits.
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def audit(tmp_path_factory: pytest.TempPathFactory) -> AuditLog:
    """What is asked of the API server by the chart's account of the operator."""
    return AuditLog(tmp_path_factory.mktemp("audit"), [USER])


@pytest.fixture(scope="session")
def plane(
    tmp_path_factory: pytest.TempPathFactory, tracking: TrackingServer, audit: AuditLog
) -> Iterator[ControlPlane]:
    folder = tmp_path_factory.mktemp("control-plane")
    with (
        ControlPlane(folder, CRDS, options=audit.options) as plane,
        LogServer(plane.folder) as logs,
    ):
        plane.apply(node("cpu-0", "cpu", log_port=logs.port))
        tracking.wait_until_ready()
        yield plane


@pytest.fixture(scope="session")
def account(plane: ControlPlane) -> Path:
    """Return a kubeconfig of the chart's account. An administrator is never turned away."""
    return grant(plane)


@pytest.fixture(scope="session")
def kubelet(plane: ControlPlane) -> Iterator[Kubelet]:
    with Kubelet(plane.kubeconfig) as kubelet:
        yield kubelet


@contextmanager
def connected(plane: ControlPlane) -> Iterator[DynamicClient]:
    """Connect to a control plane."""
    with config.new_client_from_config(str(plane.kubeconfig)) as connection:
        yield DynamicClient(connection, cache_file=str(plane.folder / "discovery.json"))


@pytest.fixture(scope="session")
def api(plane: ControlPlane) -> Iterator[DynamicClient]:
    with connected(plane) as connection:
        yield connection


@pytest.fixture(scope="session")
def new_operator(
    plane: ControlPlane, tracking: TrackingServer, tmp_path_factory: pytest.TempPathFactory
) -> NewOperator:
    """Make operators, which the test starts and stops."""
    return operators(plane, tracking, tmp_path_factory.mktemp("operators"))


def operators(plane: ControlPlane, tracking: TrackingServer, logs: Path) -> NewOperator:
    """Make what makes operators of a control plane."""

    def new(**settings: str) -> Operator:
        log = logs / f"operator-{uuid4().hex[:6]}.log"
        known = {"tracking_uri": tracking.uri, "own_namespace": "default"}
        return Operator(log, plane.kubeconfig, **known | settings)

    return new


@pytest.fixture(scope="module")
def operator(new_operator: NewOperator) -> Iterator[Operator]:
    with new_operator() as operator:
        yield operator
        assert operator.runs, operator.log_tail()
        assert "reconcile.crashed" not in operator.log()


@pytest.fixture
def new_scene(
    plane: ControlPlane,
    api: DynamicClient,
    kubelet: Kubelet,
    tracking: TrackingServer,
    request: pytest.FixtureRequest,
) -> Iterator[NewScene]:
    """Make namespaces, named after the test, and delete them after it."""
    namespaces = client.CoreV1Api(api.client)
    made: list[Scene] = []
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower())

    def new() -> Scene:
        name = f"{words[:50].strip('-')}-{uuid4().hex[:6]}"
        namespaces.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
        made.append(Scene(name, plane, api, kubelet, tracking))
        return made[-1]

    yield new
    for scene in made:
        # A test may have deleted it.
        scene.kubectl("delete", "namespace", scene.namespace, "--ignore-not-found", "--wait=false")


@pytest.fixture
def empty_scene(new_scene: NewScene) -> Scene:
    return new_scene()


@pytest.fixture
def scene(empty_scene: Scene) -> Scene:
    """A namespace with an experiment and a queue."""
    empty_scene.apply(queue(), experiment())
    return empty_scene


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    scene = item.funcargs.get("empty_scene")
    if report.when == "call" and report.failed and isinstance(scene, Scene):
        report.sections.append((f"namespace {scene.namespace}", scene.describe()))
    return report
