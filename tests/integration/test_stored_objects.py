"""An upgrade: what was stored before is still served, changed, cancelled and deleted.

The objects are stored under definitions without any rule, and the rules come after them.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient

from alidade_core.api.crd import RESOURCES, custom_resource_definition
from tests.integration.bench import CRDS, connected
from tests.support.control_plane import ControlPlane
from tests.support.polling import eventually
from tests.support.stored import name_of, objects

BEFORE = objects("4ecf8cd")
MERGE = "application/merge-patch+json"
Body = dict[str, Any]


def without_rules(definition: Body) -> Body:
    loose = copy.deepcopy(definition)
    (version,) = loose["spec"]["versions"]
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version["schema"]["openAPIV3Schema"] = {
        "type": "object",
        "properties": {"spec": anything, "status": anything},
    }
    return loose


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DynamicClient]:
    """A control plane with the objects of before and the definitions of now."""
    folder = tmp_path_factory.mktemp("upgraded")
    definitions: Path = folder / "before"
    definitions.mkdir()
    for resource in RESOURCES:
        definition = without_rules(custom_resource_definition(resource))
        (definitions / f"{definition['metadata']['name']}.yaml").write_text(yaml.dump(definition))
    with ControlPlane(folder / "plane", definitions) as plane, connected(plane) as client:
        plane.kubectl("create", "namespace", "lab")
        for stored in BEFORE:
            kind = resource_of(client, stored)
            kind.create(body=stored, namespace="lab")
            patch(kind, stored, {"status": stored.get("status", {})}, "status")
        plane.kubectl("replace", "-f", str(CRDS))
        plane.kubectl("wait", "--for=condition=Established", "crd", "--all")
        until_in_force(plane)
        yield client


def until_in_force(plane: ControlPlane) -> None:
    """Wait for the rules of now."""
    (new,) = (stored for stored in BEFORE if stored["metadata"]["name"] == "new")
    again = json.dumps({**new, "metadata": {"name": "again", "namespace": "lab"}})

    def check() -> bool:
        arguments = ("create", "--dry-run=server", "-f", "-")
        return "condition must be Ended" in plane.kubectl(*arguments, stdin=again, check=False)

    eventually(check)


def resource_of(client: DynamicClient, stored: Body) -> Any:
    return client.resources.get(api_version=stored["apiVersion"], kind=stored["kind"])


def patch(kind: Any, stored: Body, body: Body, part: str = "") -> Body:
    target = getattr(kind, part) if part else kind
    answer = target.patch(
        body=body, name=stored["metadata"]["name"], namespace="lab", content_type=MERGE
    )
    return dict(answer.to_dict())


def of_kind(kind: str) -> list[Body]:
    return [stored for stored in BEFORE if stored["kind"] == kind]


@pytest.mark.parametrize("stored", BEFORE, ids=name_of)
def test_its_status_can_be_written(upgraded: DynamicClient, stored: Body) -> None:
    condition = {
        "type": "LookedAt",
        "status": "True",
        "reason": "Upgraded",
        "message": "",
        "lastTransitionTime": "2026-11-26T00:00:00Z",
    }
    before = stored.get("status", {}).get("conditions", [])

    answer = patch(
        resource_of(upgraded, stored),
        stored,
        {"status": {"conditions": [*before, condition], "observedGeneration": 7}},
        "status",
    )

    assert answer["status"]["observedGeneration"] == 7
    for field, value in stored.get("status", {}).items():
        assert field in ("conditions", "observedGeneration") or answer["status"][field] == value
    assert answer["spec"].items() >= stored["spec"].items()


@pytest.mark.parametrize("stored", of_kind("Job"), ids=name_of)
def test_a_job_can_be_suspended_and_cancelled_and_nothing_else(
    upgraded: DynamicClient, stored: Body
) -> None:
    kind = resource_of(upgraded, stored)

    assert patch(kind, stored, {"spec": {"suspend": True}})["spec"]["suspend"]
    assert patch(kind, stored, {"spec": {"cancel": True}})["spec"]["cancel"]
    with pytest.raises(ApiException, match="priority cannot be changed"):
        patch(kind, stored, {"spec": {"priority": 7}})


@pytest.mark.parametrize("stored", of_kind("Queue"), ids=name_of)
def test_a_queue_can_be_changed(upgraded: DynamicClient, stored: Body) -> None:
    answer = patch(resource_of(upgraded, stored), stored, {"spec": {"maxRunning": 9}})

    assert answer["spec"].items() >= {**stored["spec"], "maxRunning": 9}.items()


@pytest.mark.parametrize("stored", BEFORE, ids=name_of)
def test_it_is_read(upgraded: DynamicClient, stored: Body) -> None:
    kind = resource_of(upgraded, stored)
    (model,) = (r for r in RESOURCES if r.definition.kind == stored["kind"])

    found = model.model_validate(
        kind.get(name=stored["metadata"]["name"], namespace="lab").to_dict()
    )

    assert found.metadata.name == stored["metadata"]["name"]


@pytest.mark.parametrize("stored", BEFORE, ids=name_of)
def test_at_last_it_can_be_deleted(upgraded: DynamicClient, stored: Body) -> None:
    kind, name = resource_of(upgraded, stored), stored["metadata"]["name"]

    kind.delete(name=name, namespace="lab")

    assert name not in {found.metadata.name for found in kind.get(namespace="lab").items}
