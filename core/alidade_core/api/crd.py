"""CustomResourceDefinitions, generated from the pydantic models of the resources."""

from typing import Any

from alidade_core.api.base import GROUP, VERSION, Definition, Resource, rules
from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job
from alidade_core.api.queue import Queue

RESOURCES: tuple[type[Resource], ...] = (Experiment, Queue, Job)

# What JSON schema has and a structural schema (apiextensions.k8s.io/v1) does not.
_DROPPED = frozenset({"title", "$defs", "additionalProperties", "$ref", "anyOf", "allOf"})
# What may be stricter in a spec by now than when an object was stored.
_RULES = frozenset({"x-kubernetes-validations", "pattern"})


def custom_resource_definition(resource: type[Resource]) -> dict[str, Any]:
    """Return the manifest of the resource's CustomResourceDefinition.

    The schema is structural: references resolved, `None` left out of unions, nothing unknown
    kept but where a field asks for it.
    """
    definition: Definition = resource.definition
    document = resource.model_json_schema(by_alias=True, mode="validation")
    schema = _structural(document, document.get("$defs", {}))
    properties = schema["properties"]
    properties["metadata"] = {"type": "object"}
    properties = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}} | properties
    root: dict[str, Any] = {
        "type": "object",
        "description": schema["description"],
        "required": ["spec"],
        "properties": properties,
    }
    properties["status"] = _without_rules(properties["status"])
    properties["spec"].pop("default", None)
    properties["status"].pop("default", None)
    if definition.rules:
        root |= rules(*definition.rules)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{definition.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": definition.kind,
                "listKind": f"{definition.kind}List",
                "plural": definition.plural,
                "singular": definition.singular,
                "shortNames": list(definition.short_names),
                "categories": ["alidade"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(c) for c in definition.columns],
                    "schema": {"openAPIV3Schema": root},
                }
            ],
        },
    }


def _without_rules(node: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a status: what it has from a spec may be older than the spec's rules."""
    kept = {key: part for key, part in node.items() if key not in _RULES}
    if "properties" in kept:
        kept["properties"] = {
            name: _without_rules(part) for name, part in kept["properties"].items()
        }
    for inner in ("items", "additionalProperties"):
        if inner in kept:
            kept[inner] = _without_rules(kept[inner])
    return kept


def _column(column: Any) -> dict[str, Any]:
    shown = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return shown | ({"priority": column.priority} if column.priority else {})


def _structural(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    node = _without_null(_resolved(node, definitions), definitions)
    found = {key: value for key, value in node.items() if key not in _DROPPED}
    if found.get("x-kubernetes-int-or-string"):
        found.pop("type", None)
    if found.get("default", ...) in (None, [], {}):
        found.pop("default")
    if isinstance(found.get("default"), dict):
        # Defaults of parts come from the parts' own fields.
        found["default"] = {}
    if "properties" in found:
        found["properties"] = {
            name: _structural(part, definitions) for name, part in found["properties"].items()
        }
    if "items" in found:
        found["items"] = _structural(found["items"], definitions)
    values = node.get("additionalProperties")
    if isinstance(values, dict):
        found["additionalProperties"] = _structural(values, definitions)
    if found.get("type") == "integer":
        found["format"] = "int64"
    return found


def _resolved(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[-1]
        node = {**definitions[name], **{k: v for k, v in node.items() if k != "$ref"}}
    return node


def _without_null(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    variants = [v for v in node.get("anyOf", ()) if v.get("type") != "null"]
    if len(variants) != 1:
        return node
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**_resolved(variants[0], definitions), **rest}
