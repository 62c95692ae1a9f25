"""What the runs of an experiment have measured: their metrics, by job."""

from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from alidade_core.api.base import GROUP

Body = dict[str, Any]

_JOB: Final = f"{GROUP}/job"
_NAMESPACE: Final = f"{GROUP}/namespace"
_SURPLUS: Final = f"{GROUP}/surplus-of"


@dataclass(frozen=True)
class Result:
    """What a job's run has measured.

    Attributes:
        job: Name of the job.
        run_id: ID of its run.
        status: The run's status, in MLflow's words.
        metrics: The last value of each metric.
        parameters: Parameters of the entry point.
    """

    job: str
    run_id: str
    status: str
    metrics: dict[str, float] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)


async def results(runs: AsyncIterable[Body], namespace: str) -> list[Result]:
    """Return the results of a namespace's jobs, by their names; what else is among runs is not."""
    found = [result async for run in runs if (result := _result(run, namespace))]
    return sorted(found, key=lambda each: (each.job, each.run_id))


def _result(run: Body, namespace: str) -> Result | None:
    info, data = run["info"], run.get("data", {})
    tags = _pairs(data.get("tags", ()))
    if _JOB not in tags or tags.get(_NAMESPACE) != namespace or _SURPLUS in tags:
        return None
    metrics = _pairs(data.get("metrics", ()))
    return Result(
        tags[_JOB], info["run_id"], info["status"], metrics, _pairs(data.get("params", ()))
    )


def _pairs(entries: Iterable[Body]) -> dict[str, Any]:
    return {entry["key"]: entry["value"] for entry in entries}
