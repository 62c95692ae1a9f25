"""The client's way to the MLflow of a release, with no more than the chart's Role."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from alidade import Client
from alidade.errors import ForbiddenError, UnreachableError
from tests.chart.cluster import Installation
from tests.chart.helm import Rendered
from tests.support.control_plane import node
from tests.support.door import Answer, Door
from tests.support.kubelet_forward import ForwardServer
from tests.support.polling import eventually
from tests.support.process import free_port

POD = "alidade-mlflow-on-paper"
USER = "grace"


@pytest.fixture
def mlflow(installed: Installation) -> Iterator[Door]:
    """A pod like MLflow's that is Ready, whose ports lead to what answers as MLflow does."""
    plane, where = installed.plane, ("-n", installed.namespace)
    template = Rendered().pod("mlflow")
    for container in template["spec"]["containers"]:
        container["volumeMounts"] = []
    metadata = {"name": POD, "labels": template["metadata"]["labels"]}
    with Door() as door, ForwardServer(plane.folder, door.port) as kubelet:
        door.rule = lambda _: Answer(200, b'{"experiments": []}', "application/json")
        # Where a kubelet listens does not change.
        on = f"mlflow-{kubelet.port}"
        plane.apply(node(on, "mlflow", log_port=kubelet.port))
        spec = {**template["spec"], "nodeName": on, "volumes": [], "tolerations": []}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        plane.kubectl(*where, "create", "-f", "-", stdin=json.dumps(pod))
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        change = ("--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
        plane.kubectl(*where, "patch", "pod", POD, *change)
        yield door
        plane.kubectl(*where, "delete", "pod", POD, "--force", "--grace-period=0")


@pytest.fixture
def client(
    installed: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    """A client of somebody who has no rights yet."""
    plane = installed.plane
    plane.kubectl("-n", "default", "create", "serviceaccount", USER)
    config = yaml.safe_load(plane.kubeconfig.read_text())
    token = plane.kubectl("-n", "default", "create", "token", USER).strip()
    config["users"][0]["user"] = {"token": token}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with Client(kubeconfig=path) as client:
        yield client
    plane.kubectl("-n", "default", "delete", "serviceaccount", USER)


@contextmanager
def bound(installed: Installation) -> Iterator[None]:
    """Give the user the Role."""
    bind = ("--role=alidade-mlflow-user", f"--serviceaccount=default:{USER}")
    where = ("-n", installed.namespace)
    installed.plane.kubectl(*where, "create", "rolebinding", USER, *bind)
    yield
    installed.plane.kubectl(*where, "delete", "rolebinding", USER)


def way_is_open(client: Client) -> bool:
    """See that there is a way; who has just been given a right may have to ask again."""
    try:
        client.open_mlflow()
    except UnreachableError as error:
        raise AssertionError(str(error)) from error
    return True


def reached(client: Client) -> bool:
    """See that MLflow is reached; who has just been given a right may have to ask again."""
    try:
        client.check_mlflow()
    except ForbiddenError as error:
        raise AssertionError(str(error)) from error
    return True


def test_the_role_is_all_that_it_takes_to_reach_mlflow(
    installed: Installation, mlflow: Door, client: Client
) -> None:
    with pytest.raises(ForbiddenError, match="ask for the Role alidade-mlflow-user there"):
        client.open_mlflow()
    with bound(installed):
        eventually(lambda: reached(client))
        client.check_mlflow()
    assert {request.path for request in mlflow.seen} == {"/api/2.0/mlflow/experiments/search"}


def test_a_port_of_localhost_that_is_named_leads_to_mlflow(
    installed: Installation, mlflow: Door, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"http://localhost:{free_port()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(UnreachableError, match=f"nobody listens at {uri}"):
        client.open_mlflow()
    with bound(installed):
        eventually(lambda: way_is_open(client))
        assert client.open_mlflow() == uri
        # As MLflow's own client, which knows that address alone.
        with urlopen(f"{uri}/health") as answer:
            assert answer.status == 200
    assert mlflow.seen[-1].path == "/health"
