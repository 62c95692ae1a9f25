"""The cluster of this checkout, brought up and deployed to as a user does it."""

import subprocess
import uuid
from collections.abc import Iterator

import pytest
from mlflow import MlflowClient

from tests.support.cluster import REPOSITORY, Cluster, namespace, tracking_server


@pytest.fixture(scope="session", autouse=True)
def deployed() -> None:
    subprocess.run([REPOSITORY / "hack/deploy"], check=True, cwd=REPOSITORY)


@pytest.fixture
def tracking() -> Iterator[MlflowClient]:
    with tracking_server() as client:
        yield client


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with namespace(f"e2e-{uuid.uuid4().hex[:8]}") as found:
        yield found
