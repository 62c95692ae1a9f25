"""Kinds of Kubernetes' own as Go decodes them, by the types of the official client's models."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kubernetes.client import models

from alidade_operator.kube.gateway import BATCH_JOBS, EVENTS, PODS, SERVICES, Body, Kind
from tests.support.simulation.rules.refusals import bad_request

_MODELS = {
    BATCH_JOBS: "V1Job",
    PODS: "V1Pod",
    SERVICES: "V1Service",
    EVENTS: "EventsV1Event",
}
_PLAIN: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "datetime": (str,),
    "object": (object,),
}
_QUANTITIES = ("limits", "requests")
_LONG = ("activeDeadlineSeconds", "eneration", "GracePeriodSeconds", "tolerationSeconds")
_GENERIC = re.compile(r"(List|Dict)\[(?:str, )?(.*)\]")


def decode(kind: Kind, body: Body, *, strict: bool = False) -> Body:
    """Return an object without its nulls, and without fields that its kind does not have.

    Args:
        kind: Its kind.
        body: The object.
        strict: Whether a field that its kind does not have is an error.

    Raises:
        InvalidError: A value is of another type than its field.
    """
    decoded: Body = _decode(_MODELS[kind], body, kind.plural, strict=strict)
    if kind == BATCH_JOBS and not decoded["metadata"].get("labels"):
        # What it is given by default.
        template = decoded.get("spec", {}).get("template", {}).get("metadata", {})
        decoded["metadata"] |= {"labels": template["labels"]} if template.get("labels") else {}
    if kind == EVENTS:
        decoded = {key: value for key, value in decoded.items() if value != ""}
    return {**decoded, "metadata": _without_empty(decoded["metadata"])}


def metadata(given: Body) -> Body:
    """Return the metadata of an object of whatever kind.

    Raises:
        InvalidError: A value is of another type than its field.
    """
    return _without_empty(_decode("V1ObjectMeta", given, "metadata", strict=False))


def _without_empty(fields: Body) -> Body:
    return {key: value for key, value in fields.items() if value not in ({}, [], "")}


def _decode(type_name: str, value: Any, path: str, *, strict: bool) -> Any:
    if generic := _GENERIC.fullmatch(type_name):
        return _collection(generic[1], generic[2], value, path, strict=strict)
    if type_name in _PLAIN:
        fits = isinstance(value, _PLAIN[type_name])
        if path.split(".")[-2:-1] in ([key] for key in _QUANTITIES):
            fits = isinstance(value, (str, int, float))
        if not fits or (isinstance(value, bool) and type_name in ("str", "int", "float")):
            raise bad_request(f"{path}: cannot unmarshal {type(value).__name__} into {type_name}")
        if type_name == "datetime" and not _is_time(value):
            raise bad_request(f"{path}: parsing time {value!r}")
        if type_name == "int" and not -(2 ** _bits(path)) <= value < 2 ** _bits(path):
            raise bad_request(f"{path}: cannot unmarshal number {value}")
        return str(value) if type_name == "str" else value
    if not isinstance(value, dict):
        raise bad_request(f"{path}: cannot unmarshal {type(value).__name__} into {type_name}")
    return _object(getattr(models, type_name), value, path, strict=strict)


def _bits(path: str) -> int:
    return 63 if path.endswith(_LONG) else 31


def _is_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _collection(form: str, of: str, value: Any, path: str, *, strict: bool) -> Any:
    if form == "List" and isinstance(value, list):
        return [_decode(of, item, path, strict=strict) for item in value]
    if form == "Dict" and isinstance(value, dict):
        return {
            key: _decode(of, item, f"{path}.{key}", strict=strict) for key, item in value.items()
        }
    raise bad_request(f"{path}: cannot unmarshal {type(value).__name__} into a {form}")


def _object(model: Any, value: Mapping[str, Any], path: str, *, strict: bool) -> Body:
    types = {name: model.openapi_types[own] for own, name in model.attribute_map.items()}
    decoded = {}
    for key, item in value.items():
        if key not in types:
            if strict:
                raise bad_request(f'strict decoding error: unknown field "{path}.{key}"')
        elif item is not None:
            decoded[key] = _decode(types[key], item, f"{path}.{key}", strict=strict)
    return decoded
