from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from alidade_core.api.base import Resource
from alidade_core.api.crd import RESOURCES, custom_resource_definition
from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job, JobSpec
from alidade_core.api.queue import Queue
from tests.support.builders import experiment_body, job_body, queue_body
from tests.support.sources import REPOSITORY

# What a structural schema of apiextensions.k8s.io/v1 may say.
KEYWORDS = {
    "default",
    "description",
    "enum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minLength",
    "minimum",
    "pattern",
    "properties",
    "additionalProperties",
    "required",
    "type",
    "x-kubernetes-int-or-string",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
}
# What of a job Kubernetes reads, and says what is wrong with.
PASSED_THROUGH = {"podTemplate", "metadata", "spec", "podFailurePolicy"}
Schema = dict[str, Any]


def version(resource: type[Resource]) -> Schema:
    (found,) = custom_resource_definition(resource)["spec"]["versions"]
    return dict(found)


def schema(resource: type[Resource]) -> Schema:
    return dict(version(resource)["schema"]["openAPIV3Schema"])


def nodes(node: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    yield path, node
    for name, part in node.get("properties", {}).items():
        yield from nodes(part, f"{path}.{name}")
    for keyword in ("items", "additionalProperties"):
        if keyword in node:
            yield from nodes(node[keyword], f"{path}[]")


def messages(node: Schema) -> list[str]:
    return [rule["message"] for rule in node.get("x-kubernetes-validations", ())]


@pytest.mark.parametrize("folder", ["crds", "charts/alidade/crds"])
@pytest.mark.parametrize("resource", RESOURCES)
def test_the_manifests_are_those_of_the_models(folder: str, resource: type[Resource]) -> None:
    file = REPOSITORY / folder / f"{resource.definition.plural}.alidade.dev.yaml"
    assert yaml.safe_load(file.read_text()) == custom_resource_definition(resource)


@pytest.mark.parametrize("folder", ["crds", "charts/alidade/crds"])
def test_the_manifests_are_all_there_is_and_plain_to_read(folder: str) -> None:
    files = sorted((REPOSITORY / folder).glob("*.yaml"))
    assert [f.name for f in files] == sorted(
        f"{r.definition.plural}.alidade.dev.yaml" for r in RESOURCES
    )
    for file in files:
        tokens = {type(token) for token in yaml.scan(file.read_text())}
        assert tokens.isdisjoint({yaml.AnchorToken, yaml.AliasToken})


@pytest.mark.parametrize("resource", RESOURCES)
def test_the_schema_is_structural(resource: type[Resource]) -> None:
    for path, node in nodes(schema(resource)):
        assert node.keys() <= KEYWORDS, path
        if node.get("x-kubernetes-int-or-string"):
            assert "type" not in node, path
        else:
            assert node["type"] in {"object", "array", "string", "integer", "boolean"}, path
        assert ("items" in node) == (node.get("type") == "array"), path
        assert not ({"properties", "additionalProperties"} <= node.keys()), path
        assert set(node.get("required", ())) <= node.get("properties", {}).keys(), path
        if node.get("x-kubernetes-list-type") == "map":
            required = set(node["items"].get("required", ()))
            assert set(node["x-kubernetes-list-map-keys"]) <= required, path


@pytest.mark.parametrize("resource", RESOURCES)
def test_only_what_is_passed_through_keeps_unknown_fields(resource: type[Resource]) -> None:
    kept = {
        path.rsplit(".", 1)[-1]
        for path, node in nodes(schema(resource))
        if node.get("x-kubernetes-preserve-unknown-fields")
    }
    assert kept <= PASSED_THROUGH


@pytest.mark.parametrize("resource", RESOURCES)
def test_every_number_has_bounds(resource: type[Resource]) -> None:
    unbounded = [
        path
        for path, node in nodes(schema(resource))
        if node.get("type") == "integer" or node.get("x-kubernetes-int-or-string")
        if not {"minimum", "maximum"} <= node.keys()
    ]
    assert not unbounded


@pytest.mark.parametrize("resource", RESOURCES)
def test_no_time_is_longer_than_a_clock_can_count(resource: type[Resource]) -> None:
    for path, node in nodes(schema(resource)):
        if path.endswith("Seconds") or "SecondsAfter" in path:
            assert datetime.now(UTC) + timedelta(seconds=node["maximum"])


@pytest.mark.parametrize("resource", RESOURCES)
def test_everything_that_a_user_writes_has_a_greatest_length(resource: type[Resource]) -> None:
    limits = {"string": "maxLength", "array": "maxItems"}
    unbounded = [
        path
        for path, node in nodes(schema(resource)["properties"]["spec"])
        if ("additionalProperties" in node and "maxProperties" not in node)
        or (node.get("type") in limits and limits[node["type"]] not in node and "enum" not in node)
    ]
    assert not unbounded


@pytest.mark.parametrize("resource", RESOURCES)
def test_status_is_a_subresource_and_a_spec_is_required(resource: type[Resource]) -> None:
    assert version(resource)["subresources"] == {"status": {}}
    assert schema(resource)["required"] == ["spec"]
    assert {"apiVersion", "kind", "metadata", "spec", "status"} == set(
        schema(resource)["properties"]
    )


def test_kubectl_finds_the_resources_by_short_names_and_as_one_category() -> None:
    names = [custom_resource_definition(resource)["spec"]["names"] for resource in RESOURCES]
    assert {name["kind"]: name["shortNames"] for name in names} == {
        "Experiment": ["aexp"],
        "Queue": ["aq"],
        "Job": ["ajob", "ajobs"],
    }
    assert all(name["categories"] == ["alidade"] for name in names)


@pytest.mark.parametrize("resource", RESOURCES)
def test_columns_show_fields_that_exist(resource: type[Resource]) -> None:
    root = schema(resource)
    for column in version(resource)["additionalPrinterColumns"]:
        first, *rest = column["jsonPath"].removeprefix(".").split("[")[0].split(".")
        node = root["properties"][first]
        if first != "metadata":
            for name in rest:
                node = node["properties"][name]


def test_every_field_of_a_job_but_two_is_fixed() -> None:
    spec = schema(Job)["properties"]["spec"]
    frozen = {m.split()[0] for m in messages(spec) if "cannot be changed" in m}
    assert frozen == spec["properties"].keys() - {"suspend", "cancel"}
    assert len(frozen) == len(JobSpec.model_fields) - 2
    assert "cancel cannot be taken back" in messages(spec)


def test_lists_that_rules_go_through_are_bounded() -> None:
    spec = schema(Job)["properties"]["spec"]["properties"]
    for name in ("parameters", "dependsOn"):
        assert spec[name]["maxItems"] == 64
        assert spec[name]["x-kubernetes-list-map-keys"] == ["name"]


def test_what_a_user_may_leave_out_has_the_defaults_of_the_models() -> None:
    spec = schema(Job)["properties"]["spec"]
    assert spec["required"] == ["experiment"]
    defaults = {
        name: node["default"] for name, node in spec["properties"].items() if "default" in node
    }
    assert defaults == {
        "entryPoint": "main",
        "suspend": False,
        "cancel": False,
        "priority": 0,
        "replicas": 1,
        "backoffLimit": 0,
    }
    dependency = spec["properties"]["dependsOn"]["items"]["properties"]
    assert dependency["condition"]["default"] == "Complete"
    assert dependency["onUnsatisfied"]["default"] == "Skip"


@pytest.mark.parametrize(
    ("resource", "body"),
    [(Experiment, experiment_body()), (Queue, queue_body()), (Job, job_body(depends_on=["a"]))],
)
def test_what_the_models_write_the_schema_knows(
    resource: type[Resource], body: dict[str, Any]
) -> None:
    def check(value: Any, node: Schema, path: str) -> None:
        if "properties" in node:
            assert value.keys() <= node["properties"].keys(), path
            for name, part in value.items():
                check(part, node["properties"][name], f"{path}.{name}")

    written = resource.model_validate(body).dump()
    for part in ("spec", "status"):
        check(written[part], schema(resource)["properties"][part], part)
