"""The API server turns the operator away, as one that has too much to do: nothing is lost by it."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.chart.helm import NAMESPACE
from tests.integration.scene import Scene
from tests.integration.test_logs import artifact, until_archived
from tests.support.control_plane import ControlPlane
from tests.support.door import Answer, Door, Request
from tests.support.kubelet import failed, running
from tests.support.kubelet_logs import line
from tests.support.last_place import LastPlace
from tests.support.manifests import Body, job
from tests.support.operator import Operator
from tests.support.polling import eventually
from tests.support.rights import ACCOUNT
from tests.support.tracking import TrackingServer

FLOW = "flowcontrol.apiserver.k8s.io/v1"
NAME = "no-room-for-the-operator"


def no_room() -> tuple[Body, Body]:
    """Return what lets the operator, and nobody else, have one request at a time."""
    nothing = {
        "nominalConcurrencyShares": 0,
        "lendablePercent": 0,
        "borrowingLimitPercent": 0,
        "limitResponse": {"type": "Reject"},
    }
    operator = {
        "kind": "ServiceAccount",
        "serviceAccount": {"name": ACCOUNT, "namespace": NAMESPACE},
    }
    anything = {
        "verbs": ["*"],
        "apiGroups": ["*"],
        "resources": ["*"],
        "clusterScope": True,
        "namespaces": ["*"],
    }
    level = {"type": "Limited", "limited": nothing}
    flow = {
        "priorityLevelConfiguration": {"name": NAME},
        "matchingPrecedence": 100,
        "rules": [{"subjects": [operator], "resourceRules": [anything]}],
    }
    metadata = {"name": NAME}
    return (
        {
            "apiVersion": FLOW,
            "kind": "PriorityLevelConfiguration",
            "metadata": metadata,
            "spec": level,
        },
        {"apiVersion": FLOW, "kind": "FlowSchema", "metadata": metadata, "spec": flow},
    )


@pytest.fixture
def door(tracking: TrackingServer) -> Iterator[Door]:
    with Door(tracking.uri) as door:
        yield door


@pytest.fixture
def operator(account: Path, door: Door, tmp_path: Path) -> Iterator[Operator]:
    """An operator of that account, which often compares what it knows with lists."""
    log = tmp_path / "operator.log"
    settings = {"own_namespace": NAMESPACE, "resync_seconds": "1"}
    with Operator(log, account, door.uri, **settings) as operator:
        yield operator


def no_logs(request: Request) -> Answer | None:
    return Answer(503) if request.method == "PUT" else None


def turned_away(operator: Operator) -> int:
    """Return how many comparisons have come to nothing as the API server had no room."""
    told = [json.loads(line) for line in operator.log().splitlines() if line.startswith("{")]
    return sum(
        (event["event"], event.get("code")) == ("compare.failed", HTTPStatus.TOO_MANY_REQUESTS)
        for event in told
    )


def test_an_operator_that_is_turned_away_waits_and_keeps_what_it_has_read(
    scene: Scene, plane: ControlPlane, account: Path, operator: Operator, door: Door
) -> None:
    door.rule = no_logs
    scene.let("fails", [running()])
    scene.apply(job("ends"), job("fails"), job("after", "fails"))
    scene.until_states({"ends": "Finished", "fails": "Started"})
    scene.kubectl("wait", "--for=condition=LogsArchived=False", "ajob/ends", "--timeout=60s")

    plane.apply(*no_room())
    try:
        with LastPlace(account):
            eventually(lambda: turned_away(operator) > 0)
            scene.let("fails", [running(), failed(1, "no luck")])
            eventually(lambda: scene.pods("fails")[0]["status"]["phase"] == "Failed")
            seen = turned_away(operator)
            eventually(lambda: turned_away(operator) > seen)
            assert operator.read("/healthz") == "ok\n"
    finally:
        plane.kubectl("delete", "flowschema,prioritylevelconfiguration", NAME)

    assert "no luck" in scene.until("fails", "Failed")["message"]
    scene.until("after", "Skipped")
    door.open()
    for name in ("ends", "fails"):
        scene.until_tracked(name)
        until_archived(scene, name)
        (pod,) = (pod["metadata"]["name"] for pod in scene.pods(name))
        found = artifact(scene, scene.status(name)["mlflowRunId"], f"logs/{pod}/worker.log")
        assert found == line(pod).encode()
    assert operator.runs
    assert "reconcile.crashed" not in operator.log()
