"""Values of which the API server says what is wrong with them, but not where they are.

Quantities and ports read themselves (UnmarshalJSON of resource.Quantity and intstr.IntOrString), so
its decoder does not know the field when it passes their complaint on.
"""

import re
from collections.abc import Iterator
from typing import Any

# A serialized quantity as apimachinery's pkg/api/resource documents it.
_QUANTITY = re.compile(
    r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?"
)
_LISTS_OF_QUANTITIES = ("limits", "requests", "overhead")
_QUANTITIES = ("sizeLimit", "divisor")
_PORT = "port"
_PROBES = ("httpGet", "tcpSocket")


def unnamed_fields(spec: Any, path: str = "spec") -> tuple[str, ...]:
    """Return the fields that are no quantity, or no port, where there has to be one.

    Args:
        spec: The spec of a batch/v1 Job, or what a user made of it.
        path: Its own path.
    """
    return tuple(f"{where}: {value!r} is no {what}" for where, value, what in _wrong(spec, path))


def _wrong(found: Any, path: str) -> Iterator[tuple[str, Any, str]]:
    if isinstance(found, list):
        for number, value in enumerate(found):
            yield from _wrong(value, f"{path}[{number}]")
    if not isinstance(found, dict):
        return
    for key, value in found.items():
        where = f"{path}.{key}"
        if key in _LISTS_OF_QUANTITIES and isinstance(value, dict):
            wrong = {name: each for name, each in value.items() if not _is_quantity(each)}
            yield from ((f"{where}.{name}", each, "quantity") for name, each in wrong.items())
        elif key in _QUANTITIES and not _is_quantity(value):
            yield where, value, "quantity"
        elif key in _PROBES and isinstance(value, dict) and not _is_port(value.get(_PORT)):
            yield f"{where}.{_PORT}", value[_PORT], "port"
        else:
            yield from _wrong(value, where)


def _is_quantity(value: Any) -> bool:
    if isinstance(value, str):
        return _QUANTITY.fullmatch(value.strip()) is not None
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _is_port(value: Any) -> bool:
    return value is None or (isinstance(value, int | str) and not isinstance(value, bool))
