from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alidade_core.api.base import Condition
from alidade_core.api.job import Job
from alidade_core.api.job_status import Attempt, Fate, JobState, JobStatus, Retries
from alidade_operator.decide.actions import (
    ArchiveLog,
    CreateBatchJob,
    CreateRun,
    DeleteBatchJob,
    ReadPods,
    ReadTraces,
)
from alidade_operator.decide.admitted import Admitted
from alidade_operator.decide.answers import LogView, Trace, TrackingView
from alidade_operator.decide.plan import Plan, plan
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.objects.views import Pod
from alidade_operator.objects.well_known import PARAMETERS
from tests.support.builders import (
    NOW,
    ago,
    batch_job,
    complete,
    disruption,
    experiment,
    failed,
    failed_pod,
    job,
    pod,
    running_pod,
    snapshot,
    stamp,
    succeeded_pod,
    terminated,
)
from tests.support.plans import acts, suspended, where

S = JobState
BATCH = batch_job().uid
STARTED = Condition(
    type="Started", status="True", reason="PodStarted", last_transition_time=ago(60)
)
EVICTED = succeeded_pod(conditions=[disruption("EvictionByEvictionAPI", "Eviction API: evicting")])
OWN_POLICY: dict[str, Any] = {"podFailurePolicy": {"rules": []}}
REJECTED = pod(phase="Failed", reason="OutOfcpu", message="Pod was rejected: no CPU is free")


def stopped_pod(name: str = "train-x7k2p", code: int = 0, **fields: Any) -> Pod:
    """A pod that somebody deleted while it ran."""
    phase = "Failed" if code else "Succeeded"
    return replace(pod(name, phase=phase, worker=terminated(code), **fields), stopped=True)


def over(
    *pods: Pod,
    status: dict[str, Any] | None = None,
    spec: dict[str, Any] | None = None,
    **more: Any,
) -> Snapshot:
    """A job whose batch/v1 Job has ended with these pods alone, and whose logs are kept nowhere."""
    known = JobStatus(
        state=S.STARTED,
        mlflow_run_id="r1",
        conditions=(suspended("Released", "False"), STARTED),
        **more.pop("known", {}),
    )
    of = job(status=known, **(spec or {}))
    given = {
        "batch_job": batch_job(suspend=False, status=status or complete()),
        "pods": pods,
        **more,
    }
    return snapshot(of, **{"keeps_logs": False, "pods_complete": True, **given})


def begun_anew(decided: Plan) -> bool:
    return (
        where(decided) == (S.QUEUED, "Retrying")
        and DeleteBatchJob(BATCH, "1", True) in decided.actions
    )


def test_one_that_was_stopped_before_does_not_tell_what_the_watch_has_yet_to_tell() -> None:
    stopped = replace(pod("a", phase="Failed", index=0), stopped=True)
    behind = pod("b", index=0, meta={"creationTimestamp": stamp(ago(5))})
    of = over(stopped, behind, status=failed(failed=1), spec={"replicas": 2}, pods_complete=False)
    assert acts(plan(of)) == [ReadPods]
    assert plan(replace(of, pods_complete=True)).actions == ()
    told = plan(replace(of, pods=(stopped, failed_pod("b", code=3, index=0))))
    assert where(told) == (S.FAILED, "Error")


@pytest.mark.parametrize(
    ("pods", "status", "words"),
    [
        ([EVICTED], complete(), "stopped: EvictionByEvictionAPI: Eviction API"),
        (
            [stopped_pod()],
            complete(),
            "stopped: pod train-x7k2p was deleted while it ran",
        ),
        ([stopped_pod(code=143)], failed(), "ended with exit code 143 (SIGTERM)"),
        ([REJECTED], failed(), "never ran: OutOfcpu: Pod was rejected: no CPU is free"),
        ([failed_pod(code=255, reason="Unknown")], failed(), "its node lost its container"),
        ([failed_pod(code=69)], failed(), "TrackingUnavailable, exit code 69"),
    ],
    ids=["evicted", "deleted", "deleted, failed", "rejected", "rebooted", "no MLflow"],
)
def test_what_has_not_finished_is_begun_anew(
    pods: list[Pod], status: dict[str, Any], words: str
) -> None:
    decided = plan(over(*pods, status=status, pods_complete=True))
    assert begun_anew(decided), decided.status.message
    assert words in (decided.status.message or "")
    assert decided.status.is_true("Suspended")
    assert decided.status.retries == Retries(
        count=1, rejections=int(pods == [REJECTED]), last_time=NOW, batch_job=BATCH
    )


@pytest.mark.parametrize(
    ("pods", "status", "spec", "end"),
    [
        ([succeeded_pod()], complete(), {}, S.FINISHED),
        ([failed_pod(code=3)], failed(), {}, S.FAILED),
        ([failed_pod("a", code=3), stopped_pod("b", 143)], failed(failed=2), {}, S.FAILED),
        ([stopped_pod("a"), succeeded_pod("b")], complete(succeeded=2), {}, S.FINISHED),
        ([stopped_pod(code=143)], failed("DeadlineExceeded"), {}, S.FAILED),
        ([stopped_pod(code=143)], failed("PodFailurePolicy"), OWN_POLICY, S.FAILED),
        ([stopped_pod(code=143)], failed(), {"activeDeadlineSeconds": 60}, S.FAILED),
        ([failed_pod(code=69)], failed(), OWN_POLICY, S.FAILED),
    ],
    ids=[
        "ended well", "failed", "failed once too often", "ended well at last", "its deadline",
        "its own policy", "no time left", "its own policy says nothing of MLflow",
    ],
)  # fmt: skip
def test_what_ended_by_itself_or_as_was_asked_for_has_ended(
    pods: list[Pod], status: dict[str, Any], spec: dict[str, Any], end: JobState
) -> None:
    decided = plan(over(*pods, status=status, spec=spec))
    assert decided.status.state is end
    assert decided.status.retries is None


def test_a_failed_batch_job_is_not_given_up_before_all_of_its_pods_are_read() -> None:
    stopped, ran_out = replace(pod("a", phase="Failed"), stopped=True), failed_pod("b", code=3)
    of = over(stopped, status=failed(failed=1), pods_complete=False)
    assert acts(plan(of)) == [ReadPods]
    assert plan(replace(of, pods=(stopped, ran_out), pods_complete=True)).status.state is S.FAILED


def test_failures_of_the_workflow_itself_count_over_all_its_batch_jobs() -> None:
    pods = (failed_pod("a", code=3), stopped_pod("b", 143))
    first = plan(over(*pods, status=failed(failed=2), spec={"backoffLimit": 1}))
    assert begun_anew(first)
    assert first.status.retries is not None
    assert first.status.retries.failures == 1
    again = over(failed_pod("c", code=3), status=failed(), spec={"backoffLimit": 1})
    retries = first.status.retries.model_copy(update={"batch_job": "uid-before"})
    after = again.job.model_copy(
        update={"status": again.job.status.model_copy(update={"retries": retries})}
    )
    assert plan(replace(again, job=after)).status.state is S.FAILED


RUNLESS = failed("PodFailurePolicy")


def test_a_job_whose_run_was_lost_before_its_pod_began_is_begun_anew_with_another() -> None:
    of = over(failed_pod("a", code=3), failed_pod("b", code=76), status=RUNLESS)
    first = plan(replace(of, run=TrackingView(tracking_id="r1")))
    assert begun_anew(first)
    assert "MLflow did not have its run any more" in (first.status.message or "")
    assert first.status.mlflow_run_id is None
    assert first.status.retries
    assert (first.status.retries.lost_runs, first.status.retries.failures) == (("r1",), 1)
    again = plan(later(of, first, pods=(), batch_job=None, experiment=experiment()))
    assert CreateRun in acts(again)


def test_that_its_run_was_lost_is_known_even_if_none_of_its_pods_is_left() -> None:
    first = plan(replace(over(status=RUNLESS), pods_complete=True))
    assert begun_anew(first)
    assert first.status.retries
    assert (first.status.retries.lost_runs, first.status.retries.failures) == (("r1",), 0)


def test_it_fails_if_that_happens_again_and_again() -> None:
    lost = Retries(count=3, last_time=NOW, batch_job="uid-before", lost_runs=("a", "b", "c"))
    of = over(failed_pod(code=76), status=RUNLESS, known={"retries": lost})
    decided = plan(of)
    assert where(decided) == (S.FAILED, "RunGone")


def test_a_policy_of_ones_own_says_what_a_lost_run_means() -> None:
    of = over(failed_pod(code=76), status=RUNLESS, spec=OWN_POLICY)
    assert where(plan(of)) == (S.FAILED, "RunGone")


def later(of: Snapshot, decided: Plan, seconds: float = 0, **fields: Any) -> Snapshot:
    after: Job = of.job.model_copy(update={"status": decided.status})
    return replace(of, job=after, now=of.now + timedelta(seconds=seconds), **fields)


def test_what_was_decided_stands_while_its_pods_go_and_after_a_restart() -> None:
    of = over(stopped_pod())
    first = plan(of)
    going = plan(later(of, first, pods=()))
    assert (going.status, acts(going)) == (first.status, [DeleteBatchJob])
    deleting = batch_job(
        suspend=False, status=complete(), meta={"deletionTimestamp": "2026-03-01T12:00:00Z"}
    )
    gone = plan(later(of, first, pods=(), batch_job=deleting))
    assert (gone.status, acts(gone)) == (first.status, [])


def test_then_a_batch_job_is_made_for_the_same_run() -> None:
    of = over(stopped_pod())
    decided = plan(later(of, plan(of), pods=(), batch_job=None, place=Admitted()))
    assert CreateBatchJob in acts(decided)
    assert decided.status.mlflow_run_id == "r1"


@pytest.mark.parametrize(
    ("rejections", "pause"), [(0, 10), (1, 20), (2, 40), (5, 320), (6, 360), (5000, 360)]
)
def test_what_no_node_takes_waits_longer_each_time(rejections: int, pause: int) -> None:
    retries = Retries(count=9, rejections=rejections, last_time=NOW, batch_job="uid-before")
    of = over(REJECTED, status=failed(), known={"retries": retries})
    first = plan(of)
    assert f"it is begun anew in {pause} s" in (first.status.message or "")
    early = plan(later(of, first, pause - 1, pods=(), batch_job=None))
    assert (early.status, acts(early)) == (first.status, [])
    assert early.wake_after == timedelta(seconds=1)
    assert plan(later(of, first, pause, pods=(), batch_job=None)).wants_place


def test_a_pod_that_ran_ends_the_row_of_rejections() -> None:
    retries = Retries(count=3, rejections=3, last_time=ago(60), batch_job="uid-before")
    decided = plan(over(stopped_pod(), known={"retries": retries}))
    assert decided.status.retries is not None
    assert (decided.status.retries.count, decided.status.retries.rejections) == (4, 0)
    assert "at once" in (decided.status.message or "")


def test_a_job_that_was_suspended_while_its_pod_saved_its_work_goes_back() -> None:
    drained = batch_job(suspend=True, status=complete(), annotations={PARAMETERS: "{}"})
    of = over(stopped_pod(), spec={"suspend": True}, batch_job=drained)
    first = plan(of)
    assert begun_anew(first)
    assert where(plan(later(of, first, pods=(), batch_job=None)))[0] is S.QUEUED


@pytest.mark.parametrize("status", [complete(), failed()])
@pytest.mark.parametrize("left", ["its last view", "its attempt"])
def test_a_pod_that_is_gone_is_remembered(left: str, status: dict[str, Any]) -> None:
    if left == "its last view":
        of = over(gone=(stopped_pod(),), status=status, pods_complete=True)
    else:
        attempt = Attempt(pod="a", reason="PodStopped", message="stopped: gone", fate=Fate.STOPPED)
        of = over(known={"attempts": (attempt,)}, status=status, pods_complete=True, traces=())
    assert begun_anew(plan(of))


def test_a_pod_that_was_stopped_is_remembered_beside_an_earlier_one_that_is_there() -> None:
    first = Attempt(pod="a", reason="OutOfcpu", fate=Fate.NEVER_RAN)
    last = Attempt(pod="b", reason="PodStopped", message="stopped: gone", fate=Fate.STOPPED)
    rejected, noted = replace(REJECTED, name="a"), {"attempts": (first, last)}
    for told in ((), (Trace("a", stopped=False), Trace("b", stopped=True))):
        of = over(rejected, known=noted, status=complete(), pods_complete=True)
        assert begun_anew(plan(replace(of, traces=told)))


def test_a_pod_of_an_earlier_batch_job_says_nothing_of_one_that_ended_well() -> None:
    attempt = Attempt(pod="b", reason="PodStopped", message="stopped: gone", fate=Fate.STOPPED)
    of = over(known={"attempts": (attempt,)}, status=complete(), pods_complete=True)
    assert plan(of).actions == (ReadTraces(BATCH, 1),)
    of = replace(of, traces=(Trace("c", stopped=False),))
    assert plan(of).status.state is S.FINISHED


def test_a_replica_of_an_earlier_batch_job_says_nothing_of_one_that_failed() -> None:
    attempt = Attempt(pod="train-0-x", reason="PodStopped", message="gone", fate=Fate.STOPPED)
    known, spec = {"attempts": (attempt,)}, {"replicas": 2}
    of = over(known=known, status=failed(), pods_complete=True, spec=spec)
    assert plan(of).actions == (ReadTraces(BATCH, 0),)
    earlier, its_own = Trace("train-0-y", stopped=False), Trace("train-0-x", stopped=True)
    assert plan(replace(of, traces=(earlier,))).status.state is S.FAILED
    assert begun_anew(plan(replace(of, traces=(its_own,))))


def test_all_replicas_have_to_have_finished() -> None:
    pods = (succeeded_pod("a", index=0), stopped_pod("b", index=1))
    done = complete(succeeded=2)
    assert begun_anew(plan(over(*pods, status=done, spec={"replicas": 2})))
    again = (*pods, succeeded_pod("c", index=1))
    assert plan(over(*again, status=done, spec={"replicas": 2})).status.state is S.FINISHED


def test_a_replica_that_was_stopped_and_exited_with_0_is_not_waited_for_by_its_peers() -> None:
    pods = (stopped_pod("a", index=0), running_pod("b", index=1))
    of = over(*pods, status={"succeeded": 1}, spec={"replicas": 2}, keeps_logs=True)
    first = plan(of)
    assert begun_anew(first)
    going = plan(later(of, first))
    assert where(going) == (S.QUEUED, "Retrying")
    ended = (succeeded_pod("a", index=0), running_pod("b", index=1))
    goes_on = plan(over(*ended, status={"succeeded": 1}, spec={"replicas": 2}))
    assert goes_on.status.state is S.STARTED


def test_a_replica_that_is_done_unseen_is_asked_for_before_its_peers_wait_for_ever() -> None:
    pods = (running_pod("train-1-x", index=1),)
    status = {"succeeded": 1, "completedIndexes": "0"}
    of = over(*pods, status=status, spec={"replicas": 2})
    assert ReadTraces(BATCH, 1) in plan(of).actions

    ended_well = (Trace("train-0-x", stopped=False),)
    assert not begun_anew(plan(replace(of, traces=ended_well)))
    stopped = replace(of, traces=(Trace("train-0-x", stopped=True),), pods=())
    assert begun_anew(plan(stopped))
    assert plan(stopped).status.start_time is not None


def test_peers_that_were_lost_with_a_replica_are_no_failures() -> None:
    pods = (stopped_pod("a", 143, index=0), failed_pod("b", code=75, index=1))
    decided = plan(over(*pods, status=failed(), spec={"replicas": 2}))
    assert begun_anew(decided)
    assert decided.status.retries is not None
    assert decided.status.retries.failures == 0


def test_its_logs_are_read_before_its_pods_go() -> None:
    of = over(stopped_pod(), keeps_logs=True)
    first = plan(of)
    assert acts(first) == [ArchiveLog]
    name = ("train-x7k2p", "worker")
    reading = plan(later(of, first, logs={name: LogView()}))
    assert acts(reading) == []
    assert begun_anew(plan(later(of, first, logs={name: LogView(done=True)})))


def test_a_job_that_is_cancelled_is_not_begun_anew() -> None:
    decided = plan(over(stopped_pod(), spec={"cancel": True}))
    assert where(decided) == (S.CANCELLED, "Cancelled")


@pytest.mark.parametrize("status", [complete(), failed()])
def test_of_a_pod_that_nobody_saw_end_events_tell_whether_it_was_stopped(
    status: dict[str, Any],
) -> None:
    of = over(status=status, pods_complete=True)
    asks = plan(of)
    counted = status.get("succeeded", 0)
    assert (asks.actions, asks.status.ended) == ((ReadTraces(BATCH, counted),), False)

    stopped = plan(replace(of, traces=(Trace("train-x7k2p", stopped=True),)))
    assert begun_anew(stopped)
    assert "pod train-x7k2p was stopped by its node" in (stopped.status.message or "")


@pytest.mark.parametrize(
    ("status", "end"), [(complete(), S.FINISHED), (failed("BackoffLimitExceeded"), S.FAILED)]
)
@pytest.mark.parametrize("traces", [(), (Trace("train-x7k2p", stopped=False),)])
def test_where_nothing_says_that_it_was_stopped_batch_v1s_count_stands(
    status: dict[str, Any], end: JobState, traces: tuple[Trace, ...]
) -> None:
    decided = plan(over(status=status, pods_complete=True, traces=traces))
    assert decided.status.state is end


def test_pods_that_nobody_saw_fail_by_themselves_count_as_failures() -> None:
    of = over(
        status=failed(failed=2),
        pods_complete=True,
        traces=(Trace("a", stopped=False), Trace("b", stopped=True)),
        spec={"backoffLimit": 1},
    )
    decided = plan(of)
    assert begun_anew(decided)
    assert decided.status.retries is not None
    assert decided.status.retries.failures == 1
    once_too_often = over(
        status=failed(failed=2),
        pods_complete=True,
        traces=(Trace("a", stopped=False), Trace("b", stopped=True)),
    )
    assert plan(once_too_often).status.state is S.FAILED
