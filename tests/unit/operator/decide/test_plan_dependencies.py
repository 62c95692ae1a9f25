"""What a job waits for before its release: others, and the values that they give."""

from typing import Any

import pytest

from alidade_core.api.job import Dependency, DependencyCondition, Job, OnUnsatisfied
from alidade_core.api.job_status import DependencyStatus, JobState, JobStatus
from alidade_core.api.parameter import ParameterValue
from alidade_operator.decide.actions import CreateRun
from alidade_operator.decide.plan import plan
from tests.support.builders import (
    NOW,
    job,
    job_in,
    met,
    snapshot,
)
from tests.support.plans import (
    S,
    accepted,
    acts,
    where,
)

# Dependencies.


def test_a_job_waits_until_its_dependencies_are_decided() -> None:
    decided = plan(accepted(job(depends_on=["a"]), others={"a": job_in(S.STARTED, "a")}))
    assert where(decided) == (S.WAITING, "DependencyPending")
    assert decided.actions == ()
    assert not decided.status.is_true("DependenciesMet")
    assert decided.status.dependencies == (
        DependencyStatus(name="a", uid="uid-a", state=S.STARTED, met=False),
    )


def test_a_job_in_a_cycle_waits_and_says_so() -> None:
    decided = plan(accepted(job("a", depends_on=["b"]), others={"b": job("b")}, cycle=("a", "b")))
    assert where(decided) == (S.WAITING, "DependencyCycle")


def test_met_dependencies_let_a_job_on() -> None:
    decided = plan(accepted(job(depends_on=["a"]), others={"a": job_in(S.FINISHED, "a")}))
    assert where(decided) == (S.QUEUED, "Preparing")
    assert decided.status.is_true("DependenciesMet")
    assert decided.status.dependencies == (met("a"),)
    assert acts(decided) == [CreateRun]


@pytest.mark.parametrize(("on_unsatisfied", "state"), [("Skip", S.SKIPPED), ("Fail", S.FAILED)])
@pytest.mark.parametrize("surroundings", [{}, {"experiment": None, "queue": None}])
def test_an_unsatisfiable_dependency_ends_a_job_whatever_else_it_lacks(
    on_unsatisfied: str, state: JobState, surroundings: dict[str, Any]
) -> None:
    dependency = Dependency(name="a", on_unsatisfied=OnUnsatisfied(on_unsatisfied))
    decided = plan(
        snapshot(
            job(depends_on=[dependency]), others={"a": job_in(S.CANCELLED, "a")}, **surroundings
        )
    )
    assert where(decided) == (state, "DependencyUnsatisfied")
    assert decided.status.message == "a was cancelled"
    assert decided.status.root_cause is not None
    assert decided.status.root_cause.job == "a"
    assert decided.status.completion_time == NOW
    assert decided.actions == ()


# Parameters.

TAKEN = [{"name": "version", "valueFrom": {"job": "a", "output": "v"}}]


def taking(status: JobStatus | None = None, condition: str = "Complete") -> Job:
    dependency = Dependency(name="a", condition=DependencyCondition(condition))
    return job(depends_on=[dependency], parameters=TAKEN, status=status)


def test_values_of_met_dependencies_are_kept_in_the_status() -> None:
    decided = plan(accepted(taking(), others={"a": job_in(S.FINISHED, "a", outputs={"v": "4"})}))
    assert decided.status.parameters == (ParameterValue(name="version", value="4"),)
    assert where(decided) == (S.QUEUED, "Preparing")


def test_no_value_is_taken_before_the_dependency_is_met() -> None:
    running = job_in(S.STARTED, "a", outputs={"v": "4"})
    decided = plan(accepted(taking(), others={"a": running}))
    assert decided.status.parameters == ()
    assert where(decided) == (S.WAITING, "DependencyPending")


def test_a_job_waits_for_a_value_that_a_started_dependency_may_yet_give() -> None:
    started = job_in(S.STARTED, "a", start_time=NOW)
    decided = plan(accepted(taking(condition="Started"), others={"a": started}))
    assert where(decided) == (S.WAITING, "ParameterPending")
    assert decided.actions == ()


def test_a_job_whose_value_was_never_given_fails() -> None:
    decided = plan(accepted(taking(), others={"a": job_in(S.FINISHED, "a")}))
    assert where(decided) == (S.FAILED, "ParameterUnresolved")


def test_no_value_is_taken_from_another_job_of_the_dependencys_name() -> None:
    waiting_on_value = taking(JobStatus(dependencies=(met("a", S.STARTED),)), "Started")
    other = job(
        "a",
        meta={"uid": "another"},
        status=JobStatus(state=S.FINISHED, outputs={"v": "5"}),
    )
    decided = plan(accepted(waiting_on_value, others={"a": other}))
    assert where(decided) == (S.FAILED, "ParameterUnresolved")
