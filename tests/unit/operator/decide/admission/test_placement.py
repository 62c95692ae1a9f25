from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from alidade_core.api.base import Condition
from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState, JobStatus, RequeueState
from alidade_core.api.reason import Reason
from alidade_operator.decide.actions import Action, DeleteBatchJob, Suspend
from alidade_operator.decide.admitted import NotYet
from alidade_operator.decide.answers import WarningView
from alidade_operator.decide.events import note_change
from alidade_operator.decide.make.release import suspend_patch
from alidade_operator.decide.plan import Plan, plan
from alidade_operator.decide.rejection import Rejection
from alidade_operator.objects.views import Pod
from tests.support.builders import (
    NOW,
    ago,
    batch_job,
    job,
    pod,
    queue,
    running,
    snapshot,
)
from tests.support.builders import waiting as no_container
from tests.support.plans import suspended

S = JobState
WORDS = "0/3 nodes are available: 3 Insufficient memory."
FULL = NotYet(Reason.QUEUE_FULL, "position 2 of 2 in queue cpu (1 of 1 running)")


def unplaced(name: str = "train-1", **fields: Any) -> Pod:
    scheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    return pod(name, node=None, conditions=[scheduled | {"message": WORDS}], **fields)


def blocked(
    seconds: float, reason: str = "Unschedulable", before: RequeueState | None = None, **spec: Any
) -> Job:
    since = Condition(
        type="PodBlocked", status="True", reason=reason, last_transition_time=ago(seconds)
    )
    status = JobStatus(
        state=S.QUEUED, reason=reason, conditions=(since,), requeue_state=before, flavor="gpu"
    )
    return job(status=status, **spec)


def decide(
    of: Job,
    pods: Sequence[Pod] = (),
    *,
    contested: bool = True,
    now: datetime = NOW,
    refused: Mapping[type[Action], Rejection] | None = None,
    **spec: Any,
) -> Plan:
    found = batch_job(suspend=False, meta={"labels": {"alidade.dev/flavor": "gpu"}})
    return plan(
        snapshot(
            of,
            batch_job=found,
            pods=tuple(pods) or (unplaced(),),
            contested=contested,
            queue=queue(**{"maxRunning": 1, **spec}),
            now=now,
            refused=refused or {},
        )
    )


def gave_back(of: Plan) -> bool:
    return of.status.requeue_state is not None and of.status.reason == "PlacementTimeout"


def test_a_job_that_no_node_can_take_gives_its_place_back_to_one_that_waits() -> None:
    before = blocked(60)
    decided = decide(before)
    status = decided.status
    assert decided.actions == (Suspend(suspend_patch(batch_job(suspend=False))),)
    assert (status.state, status.reason) == (S.QUEUED, "PlacementTimeout")
    assert status.message == (
        "no pod placed for 60 s (queue cpu's placementTimeoutSeconds): gives its place back, and "
        f"stands behind all others until 12:01:00 UTC; the scheduler said: pod train-1: {WORDS}"
    )
    assert (status.is_true("Suspended"), status.is_true("PodBlocked")) == (True, False)
    assert status.requeue_state == RequeueState(
        count=1,
        requeue_at=NOW + timedelta(seconds=60),
        message=f"the scheduler said: pod train-1: {WORDS}",
    )
    note = note_change(before.status, status)
    assert note is not None
    assert (note.type, note.reason, note.message) == ("Warning", status.reason, status.message)


def test_that_it_cannot_give_its_place_back_is_told_for_as_long_as_that_is_so() -> None:
    at = NOW - timedelta(seconds=5)
    never = Rejection("RequestRefused", "not today", final=False, at=at, pause=10)
    status = decide(blocked(60)).status
    told = []
    for seconds in range(5, 400, 5):
        found = replace(never, at=NOW + timedelta(seconds=seconds - 5))
        now = NOW + timedelta(seconds=seconds)
        status = decide(job(status=status), now=now, refused={Suspend: found}).status
        told.append(status.is_true("ChangesRefused"))
    assert told == sorted(told)
    assert (status.state, status.reason) == (S.QUEUED, "RequestRefused")
    assert status.message == (
        "keeps its place, though it is to give it back: no pod placed for 60 s (queue cpu's "
        "placementTimeoutSeconds): not today"
    )
    assert status.requeue_state is not None
    assert status.requeue_state.requeue_at > NOW + timedelta(seconds=395)


@pytest.mark.parametrize(
    ("passed", "limit", "wakes"), [(59, 60, 1), (60, 61, 1), (0, 600, 600), (10, 60, 50)]
)
def test_it_has_the_time_that_its_queue_gives_it(passed: int, limit: int, wakes: int) -> None:
    decided = decide(blocked(passed), placementTimeoutSeconds=limit)
    assert not gave_back(decided)
    assert decided.wake_after == timedelta(seconds=wakes)


def test_with_nobody_waiting_it_stays_where_it_is_and_looks_again() -> None:
    decided = decide(blocked(3600), contested=False)
    assert (decided.actions, decided.status.reason) == ((), "Unschedulable")
    assert decided.wake_after == timedelta(seconds=5)


@pytest.mark.parametrize(
    ("pods", "gives_back"),
    [
        ([unplaced("train-0"), unplaced("train-1")], True),
        ([unplaced("train-0"), pod("train-1")], False),
        ([unplaced("train-0"), pod("train-1", phase="Failed")], True),
    ],
    ids=["none is placed", "one is placed", "one was, and failed"],
)
def test_a_job_of_which_one_pod_has_a_node_keeps_its_place(
    pods: list[Pod], gives_back: bool
) -> None:
    assert gave_back(decide(blocked(99, replicas=2), pods)) == gives_back


@pytest.mark.parametrize(
    ("before", "pause"), [(None, 60), (1, 120), (2, 240), (6, 3600), (10**6, 3600)]
)
def test_each_time_it_stands_back_for_longer(before: int | None, pause: int) -> None:
    earlier = RequeueState(count=before, requeue_at=ago(99)) if before else None
    state = decide(blocked(60, before=earlier)).status.requeue_state
    assert state is not None
    assert (state.count, state.requeue_at) == ((before or 0) + 1, NOW + timedelta(seconds=pause))


def test_a_job_has_all_its_time_in_each_flavor_before_it_gives_its_place_back() -> None:
    flavors = [{"name": "gpu", "fallbackAfterSeconds": 90}, {"name": "fast"}]
    decided = decide(blocked(60), flavors=flavors, placementTimeoutSeconds=10)
    assert (decided.actions, gave_back(decided)) == ((), False)
    assert (decided.status.flavor, decided.wake_after) == ("gpu", timedelta(seconds=30))


def test_of_several_flavors_the_last_has_the_time_and_then_the_first_is_tried_again() -> None:
    flavors = [{"name": "fast"}, {"name": "gpu"}]
    decided = decide(blocked(60), flavors=flavors)
    assert gave_back(decided)
    assert decided.status.flavor == "fast"
    assert decided.actions == (DeleteBatchJob("uid-batch-train", "1", foreground=True),)
    earlier = decide(blocked(60), flavors=[*flavors, {"name": "cpu"}])
    assert (earlier.status.reason, earlier.status.requeue_state) == ("FlavorFallback", None)


def test_without_a_limit_there_is_no_place_to_give_back() -> None:
    decided = decide(blocked(3600), maxRunning=None)
    assert (gave_back(decided), decided.wake_after) == (False, None)


def test_kueue_decides_itself_who_waits() -> None:
    labels = {"kueue.x-k8s.io/queue-name": "team"}
    found = batch_job(suspend=False, meta={"labels": labels})
    decided = plan(
        snapshot(blocked(99), batch_job=found, pods=(unplaced(),), contested=True, queue=queue())
    )
    assert not gave_back(decided)


def test_a_job_whose_pods_are_refused_gives_its_place_back_too() -> None:
    of = blocked(60, "PodRejected")
    released = suspended("Released", "False").model_copy(update={"last_transition_time": ago(90)})
    conditions = (*of.status.conditions, released)
    found = batch_job(suspend=False)
    decided = plan(
        snapshot(
            of.model_copy(
                update={"status": of.status.model_copy(update={"conditions": conditions})}
            ),
            batch_job=found,
            contested=True,
            queue=queue(maxRunning=1),
            warnings={found.uid: WarningView(NOW, "FailedCreate", "exceeded quota: q", NOW, NOW)},
        )
    )
    assert gave_back(decided)
    assert str(decided.status.message).endswith(
        "UTC; the API server refuses its pods: exceeded quota: q"
    )


IMAGE = "no such image"
RUNS = pod("train-1", phase="Running", worker=running())


def without_image(seconds: float, before: RequeueState | None = None, **fields: Any) -> Plan:
    """Plan a job whose pods' nodes have said for so long that its image is not there."""
    pods = [pod(worker=no_container("ImagePullBackOff", IMAGE), **fields)]
    return decide(blocked(seconds, "ImagePullBackOff", before), pods)


def test_a_job_whose_pod_its_node_cannot_start_gives_its_place_back_too() -> None:
    assert not gave_back(without_image(59))
    decided = without_image(60)
    assert gave_back(decided)
    assert decided.actions == (Suspend(suspend_patch(batch_job(suspend=False))),)
    assert str(decided.status.message).startswith(
        "no pod started for 60 s (queue cpu's placementTimeoutSeconds): gives its place back"
    )
    state = decided.status.requeue_state
    assert state is not None
    assert (state.blocked_since, state.message) == (ago(60), f"pod train-x7k2p: {IMAGE}")


def test_having_stood_back_does_not_keep_it_from_failing_in_the_end() -> None:
    once = RequeueState(count=1, requeue_at=ago(10), blocked_since=ago(599))
    assert without_image(10, once).status.state is S.QUEUED
    ended = without_image(10, once.model_copy(update={"blocked_since": ago(600)}))
    assert ended.status.state is S.FAILED
    assert "ImagePullBackOff for 600 s (queue cpu's startDeadlineSeconds)" in str(
        ended.status.message
    )
    # The first time counts, however often it gives its place back.
    again = without_image(60, once).status.requeue_state
    assert again is not None
    assert (again.count, again.blocked_since) == (2, ago(599))


def test_once_a_pod_runs_what_kept_others_from_it_is_forgotten() -> None:
    once = RequeueState(count=1, requeue_at=ago(10), blocked_since=ago(599))
    state = decide(blocked(10, "ImagePullBackOff", once), [RUNS]).status.requeue_state
    assert state == once.model_copy(update={"blocked_since": None})


def test_of_several_replicas_none_may_have_run() -> None:
    stuck = pod("train-0", worker=no_container("ImagePullBackOff", IMAGE))
    assert not gave_back(decide(blocked(60, "ImagePullBackOff", replicas=2), [stuck, RUNS]))


def waiting(seconds: float) -> tuple[Job, Plan]:
    """Plan a job that stands back for so many seconds yet."""
    state = RequeueState(count=1, requeue_at=ago(-seconds), message=WORDS)
    status = JobStatus(requeue_state=state, mlflow_run_id="r1")
    of = job(status=status)
    return of, plan(snapshot(of, place=FULL))


def test_as_long_as_it_stands_back_it_says_so() -> None:
    before, decided = waiting(45)
    assert (decided.status.state, decided.status.reason) == (S.QUEUED, "PlacementTimeout")
    assert decided.status.message == (
        "no pod of it could run, and it stands behind all others until 12:00:45 UTC: "
        f"position 2 of 2 in queue cpu (1 of 1 running); {WORDS}"
    )
    assert decided.wake_after == timedelta(seconds=45)
    assert decided.wants_place
    assert note_change(before.status, decided.status) is None


def test_then_it_waits_like_any_other() -> None:
    _, decided = waiting(0)
    assert (decided.status.reason, decided.status.message) == (FULL.reason, FULL.message)
