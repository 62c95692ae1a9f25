"""The values that an entry point gets: as typed, or taken from other jobs once they are known."""

from collections.abc import Mapping
from dataclasses import dataclass

from alidade.api.job import Job
from alidade.api.parameter import Parameter, ParameterValue, RunField, ValueSource
from alidade.domain.words import quoted_list


@dataclass(frozen=True)
class Resolution:
    """The values known so far, and what is missing of the others."""

    values: tuple[ParameterValue, ...]
    pending: str | None = None
    impossible: str | None = None


def resolve(job: Job, others: Mapping[str, Job]) -> Resolution:
    """Resolve a job's parameters.

    Values already in the job's status stay as they are, so that a job they came from may be
    deleted in the meantime.
    """
    known = {parameter.name: parameter for parameter in job.status.parameters}
    values: list[ParameterValue] = []
    pending = impossible = None
    for parameter in job.spec.parameters:
        if parameter.name in known:
            values.append(known[parameter.name])
            continue
        source = parameter.value_from
        if source is None:
            values.append(ParameterValue(name=parameter.name, value=parameter.value or ""))
            continue
        found = _look_up(source, others.get(source.job))
        if isinstance(found, str):
            values.append(ParameterValue(name=parameter.name, value=found))
        elif found.final:
            impossible = impossible or _sentence(parameter, found.message)
        else:
            pending = pending or _sentence(parameter, found.message)
    return Resolution(tuple(values), pending, impossible)


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
