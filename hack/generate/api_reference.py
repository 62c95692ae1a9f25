"""Write the API reference: every field of the resources, as the CRDs describe them."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alidade_core.api.base import GROUP, VERSION
from alidade_core.api.crd import RESOURCES, custom_resource_definition
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.reason import Reason

CONDITIONS = """
## Conditions of a Job

They say nothing that state, reason and the other fields do not, for `kubectl wait`; each stands
beside them in one write of the status.

| condition | is true when |
|---|---|
"""
REASONS = """
## Reasons

Every `reason` that Alidade gives by itself, in statuses, conditions, events and metrics.
Beside these it passes on the words of Kubernetes: waiting reasons of the kubelet
(`ImagePullBackOff`), reasons of disruptions (`EvictionByEvictionAPI`) and of failed batch/v1 Jobs
(`BackoffLimitExceeded`).

| reason | |
|---|---|
"""
HEAD = f"""\
<!-- Generated from the models by `make generate`. -->
# API reference

Group `{GROUP}`, version `{VERSION}`, all namespaced.
`kubectl explain jobs.alidade.dev.spec` says the same in a terminal.
"""


def _type(schema: dict[str, Any]) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "quantity"
    kind = schema.get("type", "object")
    if kind == "array":
        return f"list of {_type(schema['items'])}"
    if kind == "object" and "additionalProperties" in schema:
        return f"map of {_type(schema['additionalProperties'])}"
    return str(schema.get("format") if kind == "string" and "format" in schema else kind)


def _constraints(schema: dict[str, Any]) -> Iterator[str]:
    if "enum" in schema:
        yield "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("default") not in (None, "", {}):
        yield f"default `{json.dumps(schema['default'])}`"
    for key, words in (
        ("minimum", "at least {}"),
        ("maximum", "at most {}"),
        ("maxLength", "at most {} characters"),
        ("maxItems", "at most {} items"),
    ):
        if key in schema:
            yield words.format(schema[key])
    if "pattern" in schema and schema["type"] == "string":
        yield f"matches `{schema['pattern']}`".replace("|", "\\|")


def _rows(schema: dict[str, Any], path: str) -> Iterator[str]:
    required = set(schema.get("required", ()))
    for name, part in schema.get("properties", {}).items():
        where = f"{path}.{name}"
        words = [part.get("description", "").rstrip("."), *_constraints(part)]
        if name in required:
            words.insert(0, "**required**")
        yield f"| `{where}` | {_type(part)} | {'; '.join(word for word in words if word)} |"
        yield from _rows(part, where)
        if part.get("type") == "array":
            yield from _rows(part["items"], f"{where}[]")


def _rules(schema: dict[str, Any]) -> Iterator[str]:
    """Yield what the schema's rules say, in its order; the same may be said of several fields."""
    for rule in schema.get("x-kubernetes-validations", ()):
        yield f"- {rule['message']}"
    for part in schema.get("properties", {}).values():
        yield from _rules(part)
        yield from _rules(part.get("items", {}))


def sections() -> Iterator[str]:
    """Yield the document, a resource at a time."""
    yield HEAD
    for resource in RESOURCES:
        manifest = custom_resource_definition(resource)
        names = manifest["spec"]["names"]
        schema = manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        yield f"\n## {names['kind']}\n\n{schema['description']}\n"
        short = ", ".join(f"`{name}`" for name in names["shortNames"])
        yield f"\n`{names['plural']}.{GROUP}`, short {short}.\n"
        for part in ("spec", "status"):
            yield f"\n### {names['kind']} {part}\n\n| field | type | |\n|---|---|---|\n"
            yield "".join(f"{row}\n" for row in _rows(schema["properties"][part], f".{part}"))
        if rules := dict.fromkeys(_rules(schema)):
            yield "\nRefused when applied, with these words:\n\n" + "\n".join(rules) + "\n"
    yield CONDITIONS
    yield "".join(f"| `{kind}` | {kind.meaning} |\n" for kind in JobCondition)
    yield REASONS
    yield "".join(f"| `{reason}` | {reason.meaning} |\n" for reason in Reason)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text("".join(sections()))
