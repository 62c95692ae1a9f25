from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from alidade_core.api.job_status import JobState, JobStatus
from alidade_operator.decide.plan import Plan, plan
from alidade_operator.decide.pods.blocked import since
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.objects.views import Pod
from tests.support.builders import (
    NOW,
    ago,
    batch_job,
    job,
    pod,
    queue,
    running_pod,
    snapshot,
    waiting,
)
from tests.support.plans import suspended

S = JobState
STUCK = pod(worker=waiting("CreateContainerConfigError", 'secret "late" not found'))
PREPARES = pod(worker=waiting("PodInitializing"))
UNPLACED = pod(
    node=None,
    conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}],
)


def released(*pods: Pod, **fields: Any) -> Snapshot:
    status = JobStatus(
        state=S.QUEUED, mlflow_run_id="r1", conditions=(suspended("Released", "False"),)
    )
    given = {
        "batch_job": batch_job(suspend=False),
        "queue": queue(startDeadlineSeconds=30),
        **fields,
    }
    return snapshot(job(status=status), pods=pods, **given)


def later(of: Snapshot, decided: Plan, seconds: float, *pods: Pod, **fields: Any) -> Snapshot:
    """The moment so many seconds after a plan was carried out."""
    after = of.job.model_copy(update={"status": decided.status})
    return replace(of, job=after, now=of.now + timedelta(seconds=seconds), pods=pods, **fields)


def story(*moments: tuple[float, Pod]) -> tuple[Plan, datetime | None]:
    """Plan for one moment after the other, and return what the last came to."""
    of = released(moments[0][1])
    decided = plan(of)
    for seconds, found in moments[1:]:
        of = later(of, decided, seconds, found)
        decided = plan(of)
    return decided, since(decided.status)


def test_the_time_counts_from_the_first_complaint() -> None:
    decided, first = story((0, PREPARES), (3600, STUCK))
    assert first == NOW + timedelta(seconds=3600)
    assert decided.status.state is S.QUEUED
    assert decided.wake_after == timedelta(seconds=30)


@pytest.mark.parametrize(("seconds", "state"), [(29, S.QUEUED), (30, S.FAILED)])
def test_a_pod_that_its_node_cannot_start_fails_the_job_at_the_queues_deadline(
    seconds: float, state: JobState
) -> None:
    decided, _ = story((0, STUCK), (seconds, STUCK))
    assert decided.status.state is state
    if state is S.FAILED:
        assert decided.status.message == (
            "failed: CreateContainerConfigError for 30 s (queue cpu's startDeadlineSeconds): "
            'pod train-x7k2p: secret "late" not found'
        )
        assert not decided.status.is_true("PodBlocked")


def test_another_complaint_of_the_node_does_not_begin_anew() -> None:
    other = pod(worker=waiting("ImagePullBackOff", "no such image"))
    decided, _ = story((0, STUCK), (20, other), (15, STUCK))
    assert decided.status.state is S.FAILED


@pytest.mark.parametrize("good", [PREPARES, running_pod()])
def test_after_a_good_moment_it_counts_anew(good: Pod) -> None:
    decided, first = story((0, STUCK), (20, good), (1, STUCK), (20, STUCK))
    assert decided.status.state is not S.FAILED
    assert first == NOW + timedelta(seconds=21)


def test_a_pod_that_got_its_node_after_long_has_all_its_time_to_start() -> None:
    decided, first = story((0, UNPLACED), (600, STUCK))
    assert (decided.status.state, first) == (S.QUEUED, NOW + timedelta(seconds=600))


def test_a_pod_that_waits_for_a_node_has_no_deadline() -> None:
    decided, first = story((0, UNPLACED), (9 * 86400, UNPLACED))
    assert (decided.status.reason, first) == ("Unschedulable", NOW)
    assert decided.wake_after is None


def test_the_clocks_of_nodes_do_not_count() -> None:
    astray = replace(STUCK, scheduled=ago(86400), created=NOW + timedelta(days=9))
    decided, first = story((0, astray), (10, astray))
    assert (decided.status.state, first) == (S.QUEUED, NOW)


def test_without_its_queue_a_job_has_no_deadline() -> None:
    of = released(STUCK, queue=None)
    decided = plan(later(of, plan(of), 9 * 86400, STUCK))
    assert (decided.status.state, decided.wake_after) == (S.QUEUED, None)


@pytest.mark.parametrize("change", [{"suspend": True}, {"cancel": True}])
def test_a_job_that_is_not_to_run_is_not_kept_from_it(change: dict[str, bool]) -> None:
    of = released(STUCK)
    first = plan(of)
    assert first.status.is_true("PodBlocked")
    spec = of.job.spec.model_copy(update=change)
    after = later(of, first, 1, STUCK)
    decided = plan(replace(after, job=after.job.model_copy(update={"spec": spec})))
    assert not decided.status.is_true("PodBlocked")


def test_a_job_that_never_was_kept_from_running_says_nothing_of_it() -> None:
    assert plan(released(running_pod())).status.condition("PodBlocked") is None
