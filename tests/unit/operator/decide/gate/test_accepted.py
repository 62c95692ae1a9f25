from typing import Any

import pytest

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState, JobStatus
from alidade_operator.decide.gate.accepted import fingerprint
from alidade_operator.decide.plan import Plan, plan
from tests.support.builders import batch_job, job, running_pod, snapshot

S = JobState
ASKED: dict[str, Any] = {"spec": {"nodeSelector": {"disk": "ssd"}}}
SWAPPED: dict[str, Any] = {"spec": {"tolerations": {"disk": "ssd"}}}
ACCEPTED = fingerprint(job(podTemplate=ASKED).spec)


def found(template: dict[str, Any] | None, state: JobState | None = None, **fields: Any) -> Job:
    return job(podTemplate=template, status=JobStatus(state=state, **fields))


def told(of: Plan) -> tuple[str, str] | None:
    condition = of.status.condition("AsAccepted")
    return (condition.status, condition.reason) if condition else None


def test_what_a_job_is_accepted_with_is_written_down_once() -> None:
    decided = plan(snapshot(found(ASKED)))
    assert decided.status.pod_template_hash == ACCEPTED
    assert told(decided) is None
    again = plan(snapshot(found(SWAPPED, pod_template_hash=ACCEPTED)))
    assert again.status.pod_template_hash == ACCEPTED


def test_the_hash_is_of_what_the_user_wrote_and_of_nothing_else() -> None:
    one, other = job(podTemplate=ASKED, priority=1), job(podTemplate=ASKED, backoffLimit=3)
    assert fingerprint(one.spec) == fingerprint(other.spec) == "1b56165a3bc48f47"
    policies: list[dict[str, Any] | None] = [None, {"rules": []}, {"rules": [{"action": "Count"}]}]
    assert len({fingerprint(job(podFailurePolicy=policy).spec) for policy in policies}) == 3


def test_a_job_whose_template_was_swapped_for_another_waits() -> None:
    decided = plan(snapshot(found(SWAPPED, S.QUEUED, pod_template_hash=ACCEPTED)))
    assert (decided.status.state, decided.status.reason) == (S.WAITING, "SpecChanged")
    assert decided.status.message == (
        "podTemplate or podFailurePolicy is not what the job was accepted with; put it back, or "
        "create another job"
    )
    assert (decided.actions, decided.wants_place) == ((), False)
    assert told(decided) == ("False", "SpecChanged")


def test_it_goes_on_when_the_template_is_put_back() -> None:
    waits = plan(snapshot(found(SWAPPED, pod_template_hash=ACCEPTED)))
    goes_on = plan(snapshot(job(podTemplate=ASKED, status=waits.status)))
    assert goes_on.status.reason != "SpecChanged"
    assert told(goes_on) == ("True", "SpecKept")


def test_a_job_that_runs_is_not_touched_and_tells() -> None:
    running = found(SWAPPED, S.STARTED, pod_template_hash=ACCEPTED)
    decided = plan(snapshot(running, batch_job=batch_job(suspend=False), pods=(running_pod(),)))
    assert (decided.status.state, decided.status.reason) == (S.STARTED, "Running")
    assert decided.actions == ()
    assert told(decided) == ("False", "SpecChanged")


@pytest.mark.parametrize("state", [S.FINISHED, S.FAILED])
def test_a_job_that_ended_before_is_left_as_it_is(state: JobState) -> None:
    ended = found(ASKED, state)
    assert plan(snapshot(ended)).status.pod_template_hash is None
