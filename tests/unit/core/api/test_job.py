from datetime import timedelta
from typing import Any

import pytest

from alidade_core.api.base import Condition
from alidade_core.api.job import Dependency, DependencyCondition
from alidade_core.api.job_status import ENDS, JobState, JobStatus
from tests.support.builders import NOW, job, job_in


def test_four_states_are_ends() -> None:
    assert {state for state in JobState if state.ended} == ENDS
    assert [s.value for s in JobState if not s.ended] == ["Waiting", "Queued", "Started"]


def test_a_job_that_nobody_looked_at_yet_has_not_ended() -> None:
    assert not job().status.ended
    assert job_in(JobState.SKIPPED).status.ended


def test_a_status_survives_the_way_to_the_api_server_and_back() -> None:
    condition = Condition(
        type="Started", status="True", reason="PodStarted", last_transition_time=NOW
    )
    status = JobStatus(
        state=JobState.FINISHED,
        outputs={"größe": "1"},
        conditions=(condition,),
        start_time=NOW - timedelta(minutes=1),
        completion_time=NOW,
    )
    assert JobStatus.model_validate(status.dump()) == status


def test_conditions_are_looked_up_by_type() -> None:
    false = Condition(type="Failed", status="False", reason="Open", last_transition_time=NOW)
    status = JobStatus(conditions=(false,))
    assert status.condition("Failed") == false
    assert status.condition("Complete") is None
    assert not status.is_true("Failed")
    assert not status.is_true("Complete")


@pytest.mark.parametrize(
    "spec",
    [
        {"priority": 1001},
        {"backoffLimit": -1},
        {"entryPoint": "no spaces"},
        {"parameters": [{"name": "0", "value": "\x01"}]},
        {"parameters": [{"name": f"p{n}", "value": ""} for n in range(65)]},
        {"ttlSecondsAfterFinished": 10**12},
        {"image": ""},
    ],
)
def test_what_was_stored_before_a_limit_is_read(spec: dict[str, Any]) -> None:
    assert job(**spec).dump()["spec"].items() >= spec.items()


def test_what_ended_was_called_is_read_as_ended() -> None:
    found = job(depends_on=[], dependsOn=[{"name": "a", "condition": "Finished"}])
    assert found.spec.depends_on == (Dependency(name="a", condition=DependencyCondition.ENDED),)
