from typing import Any

import pytest

from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job
from alidade_core.api.job_status import JobStatus
from alidade_operator.decide.answers import TrackingView
from alidade_operator.decide.make.merge import merge
from alidade_operator.decide.plan import plan
from alidade_operator.decide.sums.experiment import experiment_status
from alidade_operator.decide.sums.queue import queue_status
from alidade_operator.decide.sums.tally import Tally
from alidade_operator.decide.unreadable import status_patch
from tests.support.agreement import disagreements
from tests.support.builders import (
    NOW,
    experiment_body,
    job_body,
    queue,
    queue_body,
    snapshot,
    stamp,
)
from tests.support.plans import FULL, RELEASED, RUN, S, ready, where

WHY = "cannot be read: spec.replicas: must be a number"
FAILED = {
    "state": "Failed",
    "reason": "Error",
    "message": "failed",
    "completionTime": stamp(NOW),
    "rootCause": {"job": "train", "reason": "Error", "message": "failed"},
}


def told(body: dict[str, Any]) -> dict[str, Any]:
    patch = status_patch(body, WHY, NOW)
    assert patch is not None
    assert patch["metadata"] == {"uid": body["metadata"]["uid"], "resourceVersion": "1"}
    return merge(body, {"status": patch["status"]})


def read(body: dict[str, Any]) -> Job:
    """Read what is told as soon as it can be."""
    return Job.model_validate(body)


def test_a_new_job_that_cannot_be_read_waits_and_says_why() -> None:
    job = read(told(job_body()))
    assert (job.status.state, job.status.reason, job.status.message) == (
        S.WAITING,
        "Unreadable",
        WHY,
    )
    assert disagreements(job) == []


@pytest.mark.parametrize(
    "status", [RELEASED, plan(ready(place=FULL)).status, JobStatus()], ids=["runs", "waits", "new"]
)
def test_a_job_that_can_be_read_again_says_what_it_would_have_said(status: JobStatus) -> None:
    body = told(job_body(status=status))
    of = ready(read(body), place=FULL)
    decided = plan(of)
    assert where(decided) == (S.QUEUED, "QueueFull")
    assert decided.status.is_true("Readable")
    assert disagreements(of.job.model_copy(update={"status": decided.status})) == []


def test_what_lets_a_job_run_and_since_when_is_left_as_it_is() -> None:
    before = JobStatus.model_validate(RELEASED.dump())
    after = read(told(job_body(status=RELEASED))).status
    assert after.condition("Suspended") == before.condition("Suspended")
    assert plan(snapshot(read(told(job_body(status=RELEASED))), run=RUN)).status.state is S.QUEUED


def test_of_an_end_nothing_is_changed() -> None:
    after = told(job_body(status=FAILED))["status"]
    assert {name: after[name] for name in FAILED} == FAILED
    assert [c["type"] for c in after["conditions"]] == ["Readable"]


def test_what_is_told_is_not_told_again() -> None:
    assert status_patch(told(job_body()), WHY, NOW) is None
    assert status_patch(told(job_body()), "cannot be read: spec.queue", NOW) is not None


@pytest.mark.parametrize(
    "odd",
    [
        {"metadata": 3},
        {"status": "odd"},
        {"status": {"conditions": "odd"}},
        {"status": {"conditions": [3]}},
        {"status": {"conditions": [{"type": 3}]}},
    ],
)
def test_where_there_is_no_place_for_it_nothing_is_written(odd: dict[str, Any]) -> None:
    assert status_patch({**job_body(), **odd}, WHY, NOW) is None


def test_experiments_and_queues_tell_in_a_condition_until_they_can_be_read() -> None:
    experiment = Experiment.model_validate(told(experiment_body()))
    assert experiment.status.mlflow_experiment_id == "7"
    again = experiment_status(experiment, Tally(), installation="", view=TrackingView(), now=NOW)
    assert again.is_true("Readable")
    body = told(queue_body())
    assert body["status"]["conditions"][0]["message"] == WHY
    odd = queue().model_validate(body)
    assert queue_status(odd, 0, 0, NOW).is_true("Readable")
