import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from mlflow import MlflowClient

from alidade_operator.decide.run_owner import (
    EXPERIMENT_TAG,
    INSTALLATION_TAG,
    JOB_TAG,
    NAMESPACE_TAG,
    UID_TAG,
)
from alidade_operator.decide.sums.registration import Registrant, Registration
from alidade_operator.tracking.mlflow import MlflowTracking
from tests.support.tracking import TrackingServer

KEY = b"known to the operator alone"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    with TrackingServer(tmp_path_factory.mktemp("mlflow")) as running:
        yield running


@pytest.fixture
def client(server: TrackingServer) -> MlflowClient:
    return server.client


@pytest.fixture
def tracking(server: TrackingServer) -> MlflowTracking:
    return MlflowTracking(server.uri, KEY)


@pytest.fixture
def wanted(request: pytest.FixtureRequest) -> Registration:
    """What an Experiment of the test's own is registered by."""
    name = re.sub(r"[^a-z0-9]+", "-", f"{request.node.name}-{uuid4()}")
    return Registration(Registrant("uid-alidade", "lab", name), f"lab/{name}")


@pytest.fixture
async def experiment(tracking: MlflowTracking, wanted: Registration) -> str:
    return (await tracking.register(wanted)).experiment_id


@pytest.fixture
def tags(wanted: Registration) -> dict[str, str]:
    installation, namespace, experiment = wanted.registrant
    return {
        UID_TAG: "uid-train",
        INSTALLATION_TAG: installation,
        NAMESPACE_TAG: namespace,
        JOB_TAG: "train",
        EXPERIMENT_TAG: experiment,
        "alidade.dev/queue": "",
    }
