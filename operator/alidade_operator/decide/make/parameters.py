"""The values that an entry point gets: as typed, or taken from other jobs once they are known."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from alidade_core.api.job import Job
from alidade_core.api.parameter import (
    CONTROLS,
    MAX_ENCODED,
    Parameter,
    ParameterValue,
    RunField,
    ValueSource,
)
from alidade_core.words import quoted_list

_CONTROL = re.compile(f"[{CONTROLS}]")


@dataclass(frozen=True)
class Resolution:
    """The values known so far, and what is missing of the others.

    Attributes:
        values: Those that are known, and that a pod can be given.
        pending: What is not known yet.
        impossible: What will never be known.
        invalid: What no pod can be given.
    """

    values: tuple[ParameterValue, ...]
    pending: str | None = None
    impossible: str | None = None
    invalid: str | None = None


def resolve(job: Job, others: Mapping[str, Job]) -> Resolution:
    """Resolve a job's parameters.

    Values already in the job's status stay as they are, so that a job they came from may be
    deleted in the meantime.
    """
    known = {parameter.name: parameter for parameter in job.status.parameters}
    values: list[ParameterValue] = []
    pending = impossible = invalid = None
    for parameter in job.spec.parameters:
        if parameter.name in known:
            values.append(known[parameter.name])
            continue
        source = parameter.value_from
        found = _look_up(source, others.get(source.job)) if source else parameter.value or ""
        if isinstance(found, str):
            invalid = invalid or _why_invalid(parameter, found)
            values.append(ParameterValue(name=parameter.name, value=found))
        elif found.final:
            impossible = impossible or _sentence(parameter, found.message)
        else:
            pending = pending or _sentence(parameter, found.message)
    invalid = invalid or _why_too_long(values)
    if invalid:
        values = list(job.status.parameters)
    return Resolution(tuple(values), pending, impossible, invalid)


def _why_invalid(parameter: Parameter, value: str) -> str | None:
    """Say why a pod cannot be given a value; of one that was typed the API server says it."""
    control = _CONTROL.search(value)
    if control is None:
        return None
    source = parameter.value_from
    origin = f"output '{source.output}' of {source.job}" if source else "its value"
    code = f"U+{ord(control.group()):04X}"
    return _sentence(
        parameter,
        f"{origin} has a control character, {code} at place {control.start() + 1}, which no "
        "parameter can have",
    )


def _why_too_long(values: list[ParameterValue]) -> str | None:
    """Say why a pod cannot be given all values together, which it gets as JSON."""
    sizes = {
        v.name: len(json.dumps(v.value, ensure_ascii=False).encode(errors="surrogatepass")) - 2
        for v in values
    }
    total = sum(sizes.values())
    if total <= MAX_ENCODED:
        return None
    longest = max(sizes, key=lambda name: sizes[name])
    return (
        f"parameters: the values are {total} bytes together, as JSON, and must be no more than "
        f"{MAX_ENCODED}; the longest is '{longest}' with {sizes[longest]}"
    )


@dataclass(frozen=True)
class _Missing:
    message: str
    final: bool


def _look_up(source: ValueSource, other: Job | None) -> str | _Missing:
    if other is None:
        return _Missing(f"job '{source.job}' is gone, and its value with it", final=True)
    if source.field is RunField.MLFLOW_RUN_ID:
        run = other.status.mlflow_run_id
        return run or _Missing(f"{source.job} has no MLflow run", final=other.status.ended)
    value = other.status.outputs.get(source.output or "")
    if value is not None:
        return value
    if not other.status.ended:
        return _Missing(f"{source.job} has not given '{source.output}' yet", final=False)
    given = quoted_list(other.status.outputs) or "none"
    return _Missing(
        f"{source.job} ended without an output '{source.output}'; its outputs: {given}", final=True
    )


def _sentence(parameter: Parameter, message: str) -> str:
    return f"parameter '{parameter.name}': {message}"
