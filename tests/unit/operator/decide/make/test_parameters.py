from typing import Any

import pytest

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState, JobStatus
from alidade_core.api.parameter import ParameterValue
from alidade_operator.decide.make.parameters import Resolution, resolve
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


def given(*parameters: dict[str, Any], **outputs: str) -> Resolution:
    fgm = job_in(JobState.FINISHED, "fgm", outputs=outputs)
    return resolve(wanting(*parameters), {"fgm": fgm})


@pytest.mark.parametrize("control", ["\0", "\x01", "\x0b", "\x1b"])
def test_an_output_that_no_environment_can_hold_is_named(control: str) -> None:
    resolution = given(LITERAL, OUTPUT, model_version=f"4{control}")
    assert resolution.invalid == (
        "parameter 'version': output 'model_version' of fgm has a control character, "
        f"U+{ord(control):04X} at place 2, which no parameter can have"
    )
    assert resolution.values == ()


@pytest.mark.parametrize("odd", ["\t\n\r", "\x7f\x85\u2028", "\ufffe\U0010ffff", "\ud800"])
def test_any_other_text_is_taken_as_it_is(odd: str) -> None:
    resolution = given(OUTPUT, model_version=odd)
    assert (resolution.values, resolution.invalid) == (values(version=odd), None)


def test_values_stored_before_they_were_limited_are_looked_at_too() -> None:
    resolution = given({"name": "eps", "value": "\x07"})
    assert resolution.invalid == (
        "parameter 'eps': its value has a control character, U+0007 at place 1, which no "
        "parameter can have"
    )


@pytest.mark.parametrize(
    ("value", "count", "fine"),
    [
        (1024 * "x", 64, True),
        (512 * '"', 64, True),
        (513 * "\\", 64, False),
        (1024 * "\n", 33, False),
        (1024 * "é", 32, True),
        (1024 * "é", 33, False),
    ],
)
def test_the_values_of_a_job_have_a_greatest_length_together(
    value: str, count: int, fine: bool
) -> None:
    many = [{"name": f"p{n}", "value": value} for n in range(count)]
    assert (given(*many).invalid is None) == fine


def test_values_that_are_too_long_together_are_told_with_the_longest() -> None:
    many = [{"name": f"p{n}", "value": 1024 * "x"} for n in range(63)]
    assert given(*many, OUTPUT, model_version=1025 * "x").invalid == (
        "parameters: the values are 65537 bytes together, as JSON, and must be no more than 65536; "
        "the longest is 'version' with 1025"
    )
