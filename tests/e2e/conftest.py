"""The cluster of this checkout, which `make deploy` has brought up and deployed to.

Most of a test is waiting, so that modules run side by side (`make test-e2e`): each in namespaces of
its own, all tests of a module in one worker, as they share what it has set up.
"""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support.cluster import (
    KUBECONFIG,
    KUBECTL,
    SYSTEM,
    Cluster,
    PriorityClasses,
    namespace,
    priority_classes,
    tracking_server,
)
from tests.support.command_line import CommandLine

NODES = ("test_disruptions", "test_pools", "test_rejected", "test_stopped")
"""Modules that freeze or drain nodes, or take all devices, and would meet each other there."""
LONGEST = ("test_tutorial", "test_testbed", "test_notebook", "test_replicas", *NODES, "test_fates")


def pytest_addoption(parser: pytest.Parser) -> None:
    whole = "whether the testbed's tutorial trains on all of MNIST: ten minutes more"
    parser.addoption("--all-of-mnist", action="store_true", help=whole)
    parser.addoption("--at-length", action="store_true", help="run the pages' tutorials whole")


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Give all tests of a module to one worker, and those that would meet on nodes as well."""
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = _group
    return scheduler


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=lambda item: _turn(item.path.stem))


def _group(nodeid: str) -> str:
    module = Path(nodeid.partition("::")[0]).stem
    return "nodes" if module in NODES else module


def _turn(module: str) -> int:
    return LONGEST.index(module) if module in LONGEST else len(LONGEST)


@pytest.fixture(scope="session", autouse=True)
def deployed() -> None:
    if not KUBECTL.exists() or "alidade-operator" not in Cluster(SYSTEM).kubectl(
        "get", "deployments", check=False
    ):
        pytest.exit("no cluster with Alidade on it: run `make deploy` first", returncode=1)


@pytest.fixture(scope="module")
def tracking() -> Iterator[MlflowClient]:
    with tracking_server() as client:
        yield client


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with namespace(f"e2e-{uuid.uuid4().hex[:8]}") as found:
        yield found


@pytest.fixture
def command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """`kubectl alidade`, of the cluster's administrator."""
    monkeypatch.setenv("KUBECONFIG", str(KUBECONFIG))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return CommandLine(monkeypatch, capsys)


@pytest.fixture(scope="session")
def priorities() -> Iterator[PriorityClasses]:
    with priority_classes() as names:
        yield names
