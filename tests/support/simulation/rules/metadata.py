"""What every object has: its name, labels, annotations and owners (apimachinery's validation)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from alidade_operator.kube.gateway import SERVICES, Body, Kind

MAX_ANNOTATIONS: Final = 256 * 1024
MAX_LABEL: Final = 63
_MAX_SUBDOMAIN = 253
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_OWNER = ("apiVersion", "kind", "name", "uid")


def faults(kind: Kind, metadata: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong with the metadata of an object."""
    if not _fits_name(kind, metadata.get("name") or ""):
        yield "metadata.name: Invalid value"
    yield from label_faults(metadata.get("labels"), "metadata.labels")
    yield from annotation_faults(metadata.get("annotations"), "metadata.annotations")
    yield from _owner_faults(metadata.get("ownerReferences") or [])
    for finalizer in metadata.get("finalizers") or []:
        if not _is_qualified(finalizer):
            yield "metadata.finalizers: Invalid value"


def label_faults(labels: Mapping[str, str] | None, path: str) -> Iterator[str]:
    """Say what is wrong with labels."""
    for key, value in (labels or {}).items():
        if not _is_qualified(key):
            yield f"{path}: Invalid value: {key!r}"
        if not is_label_value(value):
            yield f"{path}: Invalid value: {value!r}"


def annotation_faults(annotations: Mapping[str, str] | None, path: str) -> Iterator[str]:
    """Say what is wrong with annotations."""
    for key in annotations or {}:
        if not _is_qualified(key.lower()):
            yield f"{path}: Invalid value: {key!r}"
    size = sum(
        len(key.encode()) + len(value.encode()) for key, value in (annotations or {}).items()
    )
    if size > MAX_ANNOTATIONS:
        yield f"{path}: Too long: may not be more than {MAX_ANNOTATIONS} bytes"


def is_label_value(value: str) -> bool:
    """Whether a label may have this value."""
    return len(value) <= MAX_LABEL and _LABEL_VALUE.fullmatch(value) is not None


def is_dns_label(name: str) -> bool:
    """Whether it is one part of a host name (RFC 1123)."""
    return len(name) <= MAX_LABEL and _DNS_LABEL.fullmatch(name) is not None


def is_subdomain(name: str) -> bool:
    """Whether it is a host name (RFC 1123)."""
    parts = name.split(".")
    return len(name) <= _MAX_SUBDOMAIN and all(_DNS_LABEL.fullmatch(part) for part in parts)


def _fits_name(kind: Kind, name: str) -> bool:
    if kind == SERVICES:
        return len(name) <= MAX_LABEL and _DNS_1035.fullmatch(name) is not None
    return is_subdomain(name)


def _is_qualified(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    if slash and not is_subdomain(prefix):
        return False
    return name != "" and is_label_value(name)


def _owner_faults(owners: list[Body]) -> Iterator[str]:
    for owner in owners:
        for field in _OWNER:
            if not owner.get(field):
                yield f"metadata.ownerReferences.{field}: Invalid value: must not be empty"
    if sum(owner.get("controller") is True for owner in owners) > 1:
        yield "metadata.ownerReferences: Invalid value: Only one reference can have Controller"
