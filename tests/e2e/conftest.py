"""The cluster of this checkout, which `make deploy` has brought up and deployed to."""

import uuid
from collections.abc import Iterator

import pytest
from mlflow import MlflowClient

from tests.support.cluster import (
    KUBECTL,
    SYSTEM,
    Cluster,
    PriorityClasses,
    namespace,
    priority_classes,
    tracking_server,
)


@pytest.fixture(scope="session", autouse=True)
def deployed() -> None:
    if not KUBECTL.exists() or "alidade-operator" not in Cluster(SYSTEM).kubectl(
        "get", "deployments", check=False
    ):
        pytest.exit("no cluster with Alidade on it: run `make deploy` first", returncode=1)


@pytest.fixture
def tracking() -> Iterator[MlflowClient]:
    with tracking_server() as client:
        yield client


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with namespace(f"e2e-{uuid.uuid4().hex[:8]}") as found:
        yield found


@pytest.fixture(scope="session")
def priorities() -> Iterator[PriorityClasses]:
    with priority_classes() as names:
        yield names
