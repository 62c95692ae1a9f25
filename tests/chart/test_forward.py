"""The client's way to the MLflow of a release, with no more than the chart's Role."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from alidade import Client
from alidade.errors import ForbiddenError
from tests.chart.cluster import Installation
from tests.chart.helm import Rendered
from tests.support.control_plane import node
from tests.support.door import Answer, Door
from tests.support.kubelet_forward import ForwardServer
from tests.support.polling import eventually

POD = "alidade-mlflow-on-paper"
NODE = "mlflow-0"
USER = "grace"


@pytest.fixture
def mlflow(installed: Installation) -> Iterator[Door]:
    """A pod like MLflow's that is Ready, whose ports lead to what answers as MLflow does."""
    plane, where = installed.plane, ("-n", installed.namespace)
    template = Rendered().pod("mlflow")
    spec = {**template["spec"], "nodeName": NODE, "volumes": [], "tolerations": []}
    for container in spec["containers"]:
        container["volumeMounts"] = []
    metadata = {"name": POD, "labels": template["metadata"]["labels"]}
    with Door() as door, ForwardServer(plane.folder, door.port) as kubelet:
        door.rule = lambda _: Answer(200, b'{"experiments": []}', "application/json")
        plane.apply(node(NODE, "mlflow", log_port=kubelet.port))
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


def test_the_role_is_all_that_it_takes_to_reach_mlflow(
    installed: Installation, mlflow: Door, client: Client
) -> None:
    with pytest.raises(ForbiddenError, match="ask for the Role alidade-mlflow-user there"):
        client.open_mlflow()
    bind = ("--role=alidade-mlflow-user", f"--serviceaccount=default:{USER}")
    installed.plane.kubectl("-n", installed.namespace, "create", "rolebinding", USER, *bind)

    def check() -> bool:
        try:
            client.check_mlflow()
        except ForbiddenError as error:
            raise AssertionError(str(error)) from error
        return True

    # The API server takes note of a binding in its own time.
    eventually(check)
    client.check_mlflow()
    assert {request.path for request in mlflow.seen} == {"/api/2.0/mlflow/experiments/search"}
