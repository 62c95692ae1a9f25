"""Custom resources as their definitions have them: pruned, given their defaults, validated.

This is what apiextensions does with a structural schema, as far as ours use it. CEL rules are not
played: those there are tell what users may ask for, and in this world they ask for nothing else.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from alidade_operator.kube.gateway import Body, Kind
from tests.support.simulation.rules.refusals import invalid

_DEFINITIONS = Path(__file__).resolve().parents[4] / "crds"
_KEEP_ALL = "x-kubernetes-preserve-unknown-fields"
_RULES = "x-kubernetes-validations"
_BLOCKING = (": Required", ": Too ", ": Unsupported", " must be of type ")
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
_INT64 = (-(2**63), 2**63 - 1)
Schema = Mapping[str, Any]


@functools.cache
def of(kind: Kind) -> Schema | None:
    """Return the schema of a kind of ours, None for others."""
    for file in _DEFINITIONS.glob("*.yaml"):
        spec = yaml.safe_load(file.read_text())["spec"]
        if (spec["group"], spec["names"]["plural"]) == (kind.group, kind.plural):
            (version,) = (v for v in spec["versions"] if v["name"] == kind.version)
            schema: Schema = version["schema"]["openAPIV3Schema"]
            return schema
    return None


def shaped(schema: Schema, body: Body) -> Body:
    """Return an object without what the schema does not know, and with its defaults."""
    # Metadata is no part of the schema, whatever it says.
    known = {k: v for k, v in body.items() if k in ("apiVersion", "kind", "metadata")}
    return {**known, **_shaped(schema, {k: v for k, v in body.items() if k not in known})}


def accept(schema: Schema, body: Body) -> Body:
    """Return what is stored of an object.

    Raises:
        InvalidError: It does not fit; the message names the fields.
    """
    body = shaped(schema, body)
    faults = [fault.removeprefix(".") for fault in _faults(schema, {**body, "metadata": {}}, "")]
    if faults:
        raise invalid([*faults, *unchecked(schema, faults)])
    return body


def unchecked(schema: Schema, faults: Sequence[str]) -> Iterator[str]:
    """Say that CEL rules were not looked at, where what is wrong is none of their business."""
    if _RULES in str(schema) and any(words in fault for fault in faults for words in _BLOCKING):
        yield "<nil>: Invalid value: some validation rules were not checked"


def _shaped(schema: Schema, value: Any) -> Any:
    """Leave out what the schema does not know, and put in what it gives by default."""
    if isinstance(value, list) and "items" in schema:
        return [_shaped(schema["items"], item) for item in value]
    if not isinstance(value, dict):
        return value
    fields = schema.get("properties", {})
    if "additionalProperties" in schema:
        return {key: _shaped(schema["additionalProperties"], item) for key, item in value.items()}
    kept = {
        key: _shaped(fields.get(key, {_KEEP_ALL: True}), item)
        for key, item in value.items()
        if key in fields or schema.get(_KEEP_ALL)
    }
    for key, field in fields.items():
        if "default" in field and kept.get(key) is None:
            kept[key] = _shaped(field, field["default"])
    return kept


def _faults(schema: Schema, value: Any, path: str) -> Iterator[str]:
    kind = schema.get("type")
    if kind is None:
        return
    if not _is(kind, value):
        yield f"{path}: Invalid value: must be of type {kind}"
    elif kind == "object":
        yield from _object_faults(schema, value, path)
    elif kind == "array":
        yield from _array_faults(schema, value, path)
    elif kind == "string":
        yield from _string_faults(schema, value, path)
    elif kind in ("integer", "number") and not _within(schema, value):
        yield f"{path}: Invalid value: {value} is out of bounds"


def _is(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    if kind == "integer" and isinstance(value, int):
        # Beyond that it is read as a floating point number.
        return _INT64[0] <= value <= _INT64[1]
    return isinstance(value, _TYPES[kind])


def _within(schema: Schema, value: float) -> bool:
    low, high = schema.get("minimum", value), schema.get("maximum", value)
    return bool(low <= value <= high)


def _object_faults(schema: Schema, value: Body, path: str) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}.{name}: Required value"
    if len(value) > schema.get("maxProperties", len(value)):
        yield f"{path}: Too many: must have at most {schema['maxProperties']} items"
    fields, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    for name, item in value.items():
        yield from _faults(fields.get(name, others), item, f"{path}.{name}")


def _array_faults(schema: Schema, value: list[Any], path: str) -> Iterator[str]:
    if len(value) > schema.get("maxItems", len(value)):
        yield f"{path}: Too many: must have at most {schema['maxItems']} items"
    for number, item in enumerate(value):
        yield from _faults(schema.get("items", {}), item, f"{path}[{number}]")
    keys = schema.get("x-kubernetes-list-map-keys", ())
    if keys and all(isinstance(item, dict) for item in value):
        seen = [tuple(item.get(key) for key in keys) for item in value]
        if len(set(seen)) < len(seen):
            yield f"{path}: Duplicate value"


def _string_faults(schema: Schema, value: str, path: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        yield f"{path}: Invalid value: should be at least {schema['minLength']} chars long"
    if len(value) > schema.get("maxLength", len(value)):
        yield f"{path}: Too long: may not be more than {schema['maxLength']} bytes"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path}: Invalid value: should match '{schema['pattern']}'"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: Unsupported value: {value!r}"
    if schema.get("format") == "date-time" and not _is_time(value):
        yield f"{path}: Invalid value: must be of type date-time"


def _is_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
