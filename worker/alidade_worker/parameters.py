"""Whether a job's parameters are what its entry point declares.

MLflow itself checks only that none is missing, and passes unknown ones on to the command, where a
misspelt ``epoch`` quietly leaves ``epochs`` at its default. Here a job says what it means or fails.

Types are those of an `MLproject <https://mlflow.org/docs/latest/ml/projects/>`_ (string, float,
path, uri) and ``int``, which MLflow takes without looking at the value.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from alidade_worker.errors import UsageError

TYPES = ("string", "int", "float", "path", "uri")

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True)
class Declaration:
    """A parameter as the MLproject declares it."""

    type: str
    default: str | None
    """None where the job has to give a value."""


def effective_parameters(
    entry_point: str, declared: Mapping[str, Declaration], given: Mapping[str, str]
) -> dict[str, str]:
    """Return the value of every declared parameter, the job's own or the default.

    Whether a ``path`` exists and a ``uri`` is one is left to MLflow, which resolves them.

    Raises:
        UsageError: parameters are unknown, missing or of the wrong type; the message names each.
    """
    values = {name: given.get(name, declaration.default) for name, declaration in declared.items()}
    problems = [
        *_unknown(entry_point, declared, given),
        *_missing(entry_point, values),
        *_mistyped(entry_point, declared, values),
    ]
    if problems:
        raise UsageError(" ".join(problems))
    return {name: value for name, value in values.items() if value is not None}


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint at the known name most like this one, or nothing where none is."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else "."


def _unknown(
    entry_point: str, declared: Mapping[str, Declaration], given: Mapping[str, str]
) -> Iterator[str]:
    unknown = [name for name in given if name not in declared]
    for name in unknown:
        yield (f"Entry point {entry_point} has no parameter {name}{did_you_mean(name, declared)}")
    if unknown:
        takes = ", ".join(sorted(declared)) or "no parameters"
        yield f"Entry point {entry_point} takes {takes}."


def _missing(entry_point: str, values: Mapping[str, str | None]) -> Iterator[str]:
    for name, value in values.items():
        if value is None:
            yield f"Parameter {name} of entry point {entry_point} has no default and is missing."


def _mistyped(
    entry_point: str, declared: Mapping[str, Declaration], values: Mapping[str, str | None]
) -> Iterator[str]:
    for name, value in values.items():
        wanted = None if value is None else _unmet(declared[name].type, value)
        if wanted:
            yield (
                f'Parameter {name} of entry point {entry_point} is "{value}", '
                f"but has to be {wanted}."
            )


def _unmet(type_: str, value: str) -> str | None:
    match type_:
        case "int" if not _WHOLE_NUMBER.fullmatch(value):
            return "a whole number such as 32 (int)"
        case "float" if not _is_float(value):
            return "a number such as 0.3 (float)"
        case _:
            return None


def _is_float(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
