from typing import Any

import pytest

from alidade.api.job import Job, JobState, JobStatus
from alidade.api.parameter import ParameterValue
from alidade.domain.parameters import resolve
from tests.support.builders import job, job_in

LITERAL = {"name": "eps", "value": "0.3"}
RUN_ID = {"name": "run_id", "valueFrom": {"job": "fgm", "field": "mlflowRunId"}}
OUTPUT = {"name": "version", "valueFrom": {"job": "fgm", "output": "model_version"}}


def wanting(*parameters: dict[str, Any], status: JobStatus | None = None) -> Job:
    return job(depends_on=["fgm"], parameters=list(parameters), status=status)


def values(**pairs: str) -> tuple[ParameterValue, ...]:
    return tuple(ParameterValue(name=name, value=value) for name, value in pairs.items())


def test_typed_and_taken_values_come_in_the_order_of_the_spec() -> None:
    fgm = job_in(JobState.FINISHED, "fgm", mlflow_run_id="r1", outputs={"model_version": "4"})
    resolution = resolve(wanting(OUTPUT, LITERAL, RUN_ID), {"fgm": fgm})
    assert resolution.values == values(version="4", eps="0.3", run_id="r1")
    assert (resolution.pending, resolution.impossible) == (None, None)


def test_an_empty_value_is_a_value() -> None:
    assert resolve(wanting({"name": "x", "value": ""}), {}).values == values(x="")


def test_a_value_once_known_outlives_the_job_it_came_from() -> None:
    dependent = wanting(OUTPUT, status=JobStatus(parameters=values(version="4")))
    assert resolve(dependent, {}).values == values(version="4")


def test_a_value_once_known_does_not_change() -> None:
    dependent = wanting(OUTPUT, status=JobStatus(parameters=values(version="4")))
    fgm = job_in(JobState.FINISHED, "fgm", outputs={"model_version": "5"})
    assert resolve(dependent, {"fgm": fgm}).values == values(version="4")


@pytest.mark.parametrize(
    ("parameter", "fgm", "pending", "impossible"),
    [
        (OUTPUT, job_in(JobState.STARTED, "fgm"), "fgm has not given 'model_version' yet", None),
        (RUN_ID, job_in(JobState.QUEUED, "fgm"), "fgm has no MLflow run", None),
        (RUN_ID, job_in(JobState.FINISHED, "fgm"), None, "fgm has no MLflow run"),
        (OUTPUT, None, None, "job 'fgm' is gone, and its value with it"),
        (
            OUTPUT,
            job_in(JobState.FINISHED, "fgm", outputs={"model": "m"}),
            None,
            "fgm ended without an output 'model_version'; its outputs: 'model'",
        ),
        (
            OUTPUT,
            job_in(JobState.FINISHED, "fgm"),
            None,
            "fgm ended without an output 'model_version'; its outputs: none",
        ),
    ],
)
def test_a_value_that_is_not_there(
    parameter: dict[str, Any], fgm: Job | None, pending: str | None, impossible: str | None
) -> None:
    resolution = resolve(wanting(LITERAL, parameter), {"fgm": fgm} if fgm else {})
    assert resolution.values == values(eps="0.3")
    prefix = f"parameter '{parameter['name']}': "
    assert resolution.pending == (pending and prefix + pending)
    assert resolution.impossible == (impossible and prefix + impossible)
