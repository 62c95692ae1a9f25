from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState, JobStatus
from alidade_operator.decide.actions import (
    CreateBatchJob,
    DeleteBatchJob,
    ReadWorkload,
    Release,
    Suspend,
)
from alidade_operator.decide.admission import kueue
from alidade_operator.decide.admission.quota import SHORT_SECONDS
from alidade_operator.decide.admitted import Admitted, NotYet
from alidade_operator.decide.answers import WorkloadView
from alidade_operator.decide.plan import plan
from alidade_operator.decide.rejection import Refused
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.objects import well_known
from alidade_operator.objects.views import BatchJob
from tests.support.builders import (
    DELETED,
    NOW,
    ago,
    complete,
    job,
    queue,
    running_pod,
    succeeded_pod,
)
from tests.support.plans import RELEASED, acts, fitting, ready, suspended, where

S = JobState
QUEUE = queue(kueueLocalQueue="team")
TOLD = {well_known.PARAMETERS: "{}"}
TAKE_BACK = DeleteBatchJob("uid-batch-train", "1", foreground=True)
PENDING = JobStatus(state=S.QUEUED, mlflow_run_id="r1", conditions=(suspended(kueue.PENDING),))
SAID = WorkloadView(NOW, "insufficient unused quota", found=True)


def handed_over(of: Job | None = None, local_queue: str = "team", **fields: Any) -> BatchJob:
    of = of or job()
    return replace(fitting(of, **{"annotations": TOLD, **fields}), local_queue=local_queue)


def pending(of: Job | None = None, **fields: Any) -> Snapshot:
    of = of or job(status=PENDING)
    given = {"queue": QUEUE, "place": Admitted(), "batch_job": handed_over(of), **fields}
    return ready(of, **given)


def workload(*conditions: tuple[str, str, str, str], **spec: Any) -> dict[str, Any]:
    names = ("type", "status", "reason", "message")
    return {
        "spec": spec,
        "status": {"conditions": [dict(zip(names, c, strict=True)) for c in conditions]},
    }


def test_a_job_is_handed_over_by_one_label_with_what_its_pods_are_told() -> None:
    decided = plan(ready(queue=QUEUE, place=Admitted()))
    (release,) = decided.actions
    assert isinstance(release, Release)
    assert release.patch["metadata"]["labels"] == {"kueue.x-k8s.io/queue-name": "team"}
    assert "suspend" not in release.patch["spec"]
    told = release.patch["spec"]["template"]["metadata"]["annotations"]
    assert told[well_known.RUN_ID] == "r1"
    assert where(decided) == (S.QUEUED, "KueuePending")
    assert decided.status.is_true("Suspended")


def test_a_job_whose_dependencies_do_not_hold_is_not_handed_over() -> None:
    decided = plan(ready(job(depends_on=["a"]), queue=QUEUE, place=Admitted()))
    assert Release not in acts(decided)


def test_kueue_is_asked_at_once_why_it_lets_a_job_wait() -> None:
    decided = plan(pending())
    assert decided.actions == (ReadWorkload("uid-batch-train"),)
    assert where(decided) == (S.QUEUED, "KueuePending")
    assert decided.status.message == "handed over to Kueue, LocalQueue team"
    assert decided.wants_place


def test_what_kueue_said_is_told_and_asked_for_again_after_a_while() -> None:
    decided = plan(pending(workload=SAID))
    assert decided.actions == ()
    assert decided.status.message == "waits for Kueue, LocalQueue team: insufficient unused quota"
    assert decided.wake_after == timedelta(seconds=kueue.READ_AGAIN_SECONDS)

    later = replace(SAID, read=ago(kueue.READ_AGAIN_SECONDS))
    old = PENDING.model_copy(
        update={
            "conditions": (
                suspended(kueue.PENDING).model_copy(update={"last_transition_time": ago(60)}),
            )
        }
    )
    assert acts(plan(pending(job(status=old), workload=later))) == [ReadWorkload]


def test_what_kueue_said_before_it_suspended_the_job_is_not_told() -> None:
    earlier = replace(SAID, read=ago(5))
    decided = plan(pending(job(status=RELEASED), workload=earlier))
    assert acts(decided) == [ReadWorkload]
    assert decided.status.message == "handed over to Kueue, LocalQueue team"
    assert decided.status.is_true("Suspended")


def test_a_job_that_kueue_admits_is_followed() -> None:
    decided = plan(pending(batch_job=handed_over(suspend=False), pods=(running_pod(),)))
    assert where(decided) == (S.STARTED, "Running")
    assert not decided.status.is_true("Suspended")


def test_a_job_that_kueue_can_never_start_fails() -> None:
    view = WorkloadView(NOW, "conflict for labels", found=True, never=True)
    decided = plan(pending(workload=view))
    assert where(decided) == (S.FAILED, "KueueRefused")
    assert decided.status.root_cause
    assert "conflict for labels" in decided.status.root_cause.message


def test_a_job_that_ended_while_kueue_stopped_it_has_ended() -> None:
    ended = handed_over(status=complete())
    decided = plan(pending(batch_job=ended, pods=(succeeded_pod(),), pods_complete=True))
    assert where(decided) == (S.FINISHED, "Completed")


@pytest.mark.parametrize("suspend", [True, False], ids=["pending", "running"])
def test_a_suspended_job_is_taken_back(suspend: bool) -> None:
    of = job(status=PENDING if suspend else RELEASED, suspend=True)
    decided = plan(pending(of, batch_job=handed_over(of, suspend=suspend)))
    assert decided.actions == (TAKE_BACK,)
    assert where(decided) == (S.QUEUED, "Suspended")
    assert decided.status.is_true("Suspended")

    going = handed_over(of, suspend=suspend, meta=DELETED)
    told = of.model_copy(update={"status": decided.status})
    again = plan(pending(told, batch_job=going))
    assert Suspend not in acts(again)
    assert DeleteBatchJob not in acts(again)
    assert again.status == decided.status


def test_a_held_queue_takes_back_what_is_not_admitted() -> None:
    held = NotYet("QueueHeld", "queue cpu is held (stopPolicy Hold)")
    decided = plan(pending(place=held))
    assert decided.actions == (TAKE_BACK,)
    assert where(decided) == (S.QUEUED, "QueueHeld")


@pytest.mark.parametrize("changed", [queue(), queue(kueueLocalQueue="other")])
def test_a_job_is_taken_back_from_a_queue_that_is_not_its_own_any_more(changed: Any) -> None:
    decided = plan(pending(queue=changed))
    assert decided.actions == (TAKE_BACK,)
    assert where(decided) == (S.QUEUED, "KueuePending")


def test_a_running_job_whose_batch_job_somebody_else_deletes_is_cancelled() -> None:
    going = handed_over(suspend=False, meta=DELETED)
    decided = plan(pending(job(status=RELEASED), batch_job=going, namespace_ends=False))
    assert where(decided) == (S.CANCELLED, "BackingJobDeleted")


@pytest.mark.parametrize("suspend", [True, False])
def test_a_job_that_kueue_seizes_before_its_turn_is_let_go_of(suspend: bool) -> None:
    of = job(depends_on=["a"])
    taken = handed_over(of, "default", suspend=suspend, annotations={})
    decided = plan(pending(of, queue=queue(), batch_job=taken))
    assert decided.actions == (TAKE_BACK,)
    assert where(decided) == (S.WAITING, "KueueDefaultQueue")
    assert "LocalQueue 'default'" in (decided.status.message or "")


@pytest.mark.parametrize(
    ("through_kueue", "since", "stands_by"),
    [(False, 10, True), (False, SHORT_SECONDS, False), (True, 10, False)],
    ids=["can run at once", "asks no more", "may wait too"],
)
def test_a_job_leaves_the_room_to_one_that_a_quota_refused(
    through_kueue: bool, since: int, stands_by: bool
) -> None:
    """Or it would take the room again that its own batch/v1 Job has given."""
    first = Refused(job("first"), ago(since), through_kueue)
    decided = plan(pending(batch_job=None, next_refused=first))
    if stands_by:
        assert (acts(decided), where(decided)) == ([], (S.WAITING, "BackingJobRejected"))
        assert "that of job first, which can run at once" in (decided.status.message or "")
        assert decided.wake_after == timedelta(seconds=SHORT_SECONDS - since)
    else:
        assert acts(decided) == [CreateBatchJob]


def test_a_job_that_kueue_has_no_say_in_stands_by_for_nobody() -> None:
    first = Refused(job("first"), ago(10))
    decided = plan(pending(queue=queue(), batch_job=None, next_refused=first))
    assert acts(decided) == [CreateBatchJob]


QUOTA = ("QuotaReserved", "False", "Pending", "insufficient unused quota for cpu")
RESERVED = ("QuotaReserved", "True", "QuotaReserved", "Quota reserved in ClusterQueue q")


@pytest.mark.parametrize(
    ("workloads", "says"),
    [
        ([], "it has not been looked at yet"),
        ([workload()], "it has not been looked at yet"),
        ([workload(QUOTA)], "insufficient unused quota for cpu"),
        (
            [workload(QUOTA, ("Evicted", "True", "Preempted", "for another"))],
            "evicted (Preempted); insufficient unused quota for cpu",
        ),
        ([workload(RESERVED)], "its quota is reserved"),
        (
            [workload(RESERVED, ("Admitted", "False", "NoChecks", "waits for check c"))],
            "waits for check c",
        ),
        ([workload(QUOTA, active=False)], "its Workload was deactivated"),
        ([workload(("Finished", "True", "FailedToStart", "bad update"))], "bad update"),
    ],
)
def test_kueues_words_are_those_of_the_workload(workloads: list[Any], says: str) -> None:
    view = kueue.read(workloads, NOW)
    assert says in view.message
    assert view.read == NOW
    assert view.never == (says == "bad update")


def test_it_is_told_whether_kueue_has_reserved_what_the_job_needs() -> None:
    assert kueue.read([workload(RESERVED)], NOW).reserved
    assert not kueue.read([workload(QUOTA)], NOW).reserved


def test_a_workload_that_ended_with_its_job_refuses_nothing() -> None:
    assert not kueue.read([workload(("Finished", "True", "Succeeded", "done"))], NOW).never
