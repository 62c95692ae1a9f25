from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alidade_core.api.job import Dependency, DependencyCondition
from alidade_core.api.job_status import ENDS, JobState, JobStatus
from alidade_operator.decide.actions import (
    ArchiveLog,
    CreateBatchJob,
    EndRun,
    ReadBatchJob,
    ReadNamespace,
    ReadPods,
    Release,
)
from alidade_operator.decide.admitted import Admitted
from alidade_operator.decide.answers import TrackingView, WorkloadView
from alidade_operator.decide.plan import Plan, plan
from alidade_operator.decide.rejection import Rejection
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.objects import well_known
from tests.support.builders import (
    NOW,
    batch_job,
    complete,
    experiment,
    failed,
    failed_pod,
    job,
    job_in,
    met,
    pod,
    queue,
    running_pod,
    snapshot,
    succeeded_pod,
    terminated,
    waiting,
)
from tests.support.plans import (
    DELETED,
    FULL,
    RELEASED,
    RUN,
    S,
    accepted,
    acts,
    ready,
    suspended,
    where,
)


@pytest.mark.parametrize(
    ("pods", "over", "state"),
    [
        ((), {}, S.QUEUED),
        ((running_pod(),), {}, S.STARTED),
        ((succeeded_pod(),), complete(), S.FINISHED),
        ((pod(phase="Failed", reason="Evicted", worker=terminated(1)),), failed(), S.FAILED),
    ],
)
def test_a_released_job_goes_by_its_pods(
    pods: tuple[Any, ...], over: dict[str, Any], state: JobState
) -> None:
    found = plan(
        snapshot(job(status=RELEASED), batch_job=batch_job(suspend=False, status=over), pods=pods)
    )
    assert found.status.state is state


def test_who_deletes_the_batch_job_of_a_job_that_runs_cancels_it() -> None:
    asks = plan(snapshot(job(status=RELEASED), batch_job_missed=True))
    assert (asks.actions, asks.status.ended) == ((ReadNamespace(),), False)
    decided = plan(snapshot(job(status=RELEASED), batch_job_missed=True, namespace_ends=False))
    assert where(decided) == (S.CANCELLED, "BackingJobDeleted")
    assert "kubectl delete job" in (decided.status.message or "")
    assert decided.status.root_cause is None


def test_a_job_whose_batch_job_goes_with_its_namespace_says_so() -> None:
    decided = plan(snapshot(job(status=RELEASED), batch_job_missed=True, namespace_ends=True))
    assert where(decided) == (S.CANCELLED, "Deleted")
    assert decided.status.message == "cancelled: its namespace is being deleted"


def test_a_job_whose_batch_job_a_backup_does_not_have_is_begun_anew() -> None:
    assert plan(snapshot(job(status=RELEASED), turned_back=True)).actions == (ReadBatchJob(),)
    decided = plan(snapshot(job(status=RELEASED), batch_job_missed=True, turned_back=True))
    assert where(decided) == (S.QUEUED, "Retrying")
    assert "store was restored" in (decided.status.message or "")
    assert not snapshot(job(status=decided.status)).was_released


def test_a_batch_job_that_no_list_has_is_looked_for_by_name_before_it_counts_as_gone() -> None:
    decided = plan(snapshot(job(status=RELEASED)))
    assert decided.status.state is RELEASED.state
    assert decided.actions == (ReadBatchJob(),)


def test_a_batch_job_that_vanished_before_release_is_made_again() -> None:
    waiting_job = job_in(S.WAITING, conditions=(suspended("QueueFull"),))
    assert CreateBatchJob in acts(plan(snapshot(waiting_job, run=RUN, place=Admitted())))


@pytest.mark.parametrize(
    "of",
    [
        snapshot(job(cancel=True)),
        snapshot(job(cancel=True, depends_on=["missing"])),
        ready(job(cancel=True), place=Admitted()),
        snapshot(
            job(cancel=True, status=RELEASED),
            batch_job=batch_job(suspend=False),
            pods=(running_pod(),),
        ),
    ],
    ids=["new", "waiting", "ready", "running"],
)
def test_a_job_is_cancelled_wherever_it_is(of: Snapshot) -> None:
    decided = plan(of)
    assert where(decided) == (S.CANCELLED, "Cancelled")
    assert decided.actions == ()
    assert not decided.wants_place


def test_a_run_that_was_made_meanwhile_is_ended_with_the_cancelled_job() -> None:
    cancelled = plan(accepted(job(cancel=True), run=RUN)).status
    assert cancelled.mlflow_run_id == "r1"
    over = snapshot(job(cancel=True, status=cancelled), run=RUN)
    assert acts(plan(over)) == [ReadPods]
    assert acts(plan(replace(over, pods_complete=True))) == [EndRun]


@pytest.mark.parametrize("state", sorted(ENDS))
@pytest.mark.parametrize("spec", [{}, {"cancel": True}, {"suspend": True}])
def test_an_end_is_final(state: JobState, spec: dict[str, Any]) -> None:
    status = JobStatus(state=state, reason="R", message="m", observed_generation=1)
    for batch_job_ in (None, batch_job(suspend=True), batch_job(suspend=False)):
        of = snapshot(job(status=status, **spec), batch_job=batch_job_, run=TrackingView())
        assert plan(of).status == status


@pytest.mark.parametrize(
    "of",
    [
        snapshot(job(meta=DELETED)),
        ready(job(meta=DELETED), place=Admitted()),
        snapshot(job(meta=DELETED, status=JobStatus(state=S.CANCELLED)), batch_job=batch_job()),
        snapshot(job(meta=DELETED, status=RELEASED)),
    ],
    ids=["new", "ready", "ended", "batch Job gone"],
)
def test_a_job_that_is_being_deleted_is_left_alone(of: Snapshot) -> None:
    assert plan(of) == Plan(of.job.status)


def test_the_generation_that_was_looked_at_is_told() -> None:
    assert plan(snapshot(job(meta={"generation": 4}))).status.observed_generation == 4


# Anything at all.

conditions = st.sampled_from(DependencyCondition)
times = st.sampled_from([None, NOW])
statuses = st.builds(
    JobStatus,
    state=st.none() | st.sampled_from(JobState),
    mlflow_run_id=st.sampled_from([None, "r1"]),
    start_time=times,
    conditions=st.sampled_from(
        [(), (suspended("QueueFull"),), (suspended("Released", status="False"),)]
    ),
    dependencies=st.sampled_from([(), (met("a"),), (met("a"), met("b"))]),
)
jobs = st.builds(
    job,
    depends_on=st.sets(st.sampled_from("ab")).flatmap(
        lambda names: st.tuples(
            *(st.builds(Dependency, name=st.just(n), condition=conditions) for n in sorted(names))
        )
    ),
    status=statuses,
    suspend=st.booleans(),
    cancel=st.booleans(),
    ttlSecondsAfterFinished=st.sampled_from([None, 0, 60]),
)
pods = st.sampled_from(
    [pod(), pod(worker=waiting("ErrImagePull")), running_pod(), succeeded_pod(), failed_pod()]
)
batch_jobs = st.builds(
    batch_job,
    suspend=st.booleans(),
    template_hash=st.sampled_from(["", "old"]),
    annotations=st.sampled_from([{}, {well_known.PARAMETERS: "{}"}]),
    status=st.sampled_from([{}, {"failed": 1}, complete(), failed()]),
    meta=st.sampled_from([{}, DELETED]),
)
handed_over = st.builds(replace, batch_jobs, local_queue=st.sampled_from([None, "team", "default"]))
snapshots = st.builds(
    Snapshot,
    job=jobs,
    now=st.sampled_from([NOW, NOW + timedelta(days=1)]),
    experiment=st.sampled_from(
        [None, experiment(), experiment(registered=None), experiment(tracking="None")]
    ),
    queue=st.sampled_from(
        [None, queue(), queue(stopPolicy="HoldAndDrain"), queue(kueueLocalQueue="team")]
    ),
    others=st.dictionaries(
        st.sampled_from("ab"), st.builds(job, st.just("x"), status=statuses), max_size=2
    ),
    awaited=st.booleans(),
    cycle=st.sampled_from([(), ("train", "a")]),
    batch_job=st.none() | handed_over,
    workload=st.sampled_from([None, WorkloadView(NOW, "m", found=True, never=True)]),
    rejection=st.sampled_from([None, Rejection("NameConflict", "m", False, NOW)]),
    pods=st.lists(pods, max_size=2).map(tuple),
    orphans=st.sampled_from([(), (running_pod(),)]),
    pods_complete=st.booleans(),
    place=st.sampled_from([None, Admitted(), FULL]),
    run=st.builds(
        TrackingView,
        tracking_id=st.sampled_from([None, "r1"]),
        settled=st.booleans(),
        trouble=st.sampled_from([None, "MLflow is away"]),
    ),
)


def followed_by(before: Snapshot, decided: Plan) -> Snapshot:
    """The same moment, with the decision's status in place."""
    return replace(before, job=before.job.model_copy(update={"status": decided.status}))


@given(snapshots)
def test_whatever_is_the_case_there_is_one_decision_and_it_stands(of: Snapshot) -> None:
    decided = plan(of)
    again = plan(followed_by(of, decided))
    if decided.status.ended and not of.job.status.ended:
        # What is left to do after the end is decided once the end is written.
        assert set(acts(decided)) <= {ArchiveLog, ReadPods}
        assert again.status.state is decided.status.state
    else:
        assert again == decided


@given(snapshots)
def test_no_pod_may_run_but_after_dependencies_are_met_and_in_a_place(of: Snapshot) -> None:
    decided = plan(of)
    if Release in acts(decided):
        assert of.place == Admitted()
        assert decided.wants_place
        assert all(entry.met for entry in decided.status.dependencies)
        assert len(decided.status.dependencies) == len(of.job.spec.depends_on)
        assert not of.job.spec.suspend
        assert not of.job.spec.cancel


@given(snapshots)
def test_what_has_ended_stays_ended_and_starts_nothing(of: Snapshot) -> None:
    decided = plan(of)
    if of.job.status.ended:
        assert decided.status.state is of.job.status.state
        assert {CreateBatchJob, Release}.isdisjoint(acts(decided))
