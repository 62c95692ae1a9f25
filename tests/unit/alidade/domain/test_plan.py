from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alidade.api.base import Condition
from alidade.api.job import (
    ENDS,
    Dependency,
    DependencyCondition,
    DependencyStatus,
    Job,
    JobState,
    JobStatus,
    OnUnsatisfied,
    ParameterValue,
)
from alidade.domain import backing as backing_job
from alidade.domain import observed
from alidade.domain.actions import (
    CreateBacking,
    CreateRun,
    DeleteBacking,
    EndRun,
    ReadPods,
    Release,
)
from alidade.domain.admission import Admitted, NotYet
from alidade.domain.observed import BackingJob
from alidade.domain.plan import Plan, plan
from alidade.domain.snapshot import Rejection, Snapshot, TrackingView
from tests.support.builders import (
    IMAGE,
    NOW,
    URI,
    backing,
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
    stamp,
    succeeded_pod,
    waiting,
)

S = JobState
RUN = TrackingView(tracking_id="r1")
FULL = NotYet("QueueFull", "position 1 of 1 in queue cpu (1 of 1 running)")
DELETED = {"deletionTimestamp": stamp(NOW)}


def fitting(of: Job, **fields: Any) -> BackingJob:
    """The batch/v1 Job that the job's queue and experiment ask for."""
    wanted = backing_job.manifest(of, experiment(), queue(), IMAGE, URI)
    return backing(of.metadata.name, template_hash=backing_job.template_hash(wanted), **fields)


def accepted(of: Job | None = None, **fields: Any) -> Snapshot:
    """A job whose batch/v1 Job stands there suspended."""
    of = of or job()
    return snapshot(of, **{"backing": fitting(of), **fields})


def ready(of: Job | None = None, **fields: Any) -> Snapshot:
    """A job that has all it needs but a place."""
    return accepted(of, **{"run": RUN, **fields})


def suspended(reason: str, status: str = "True") -> Condition:
    return Condition(type="Suspended", status=status, reason=reason, last_transition_time=NOW)


RELEASED = JobStatus(state=S.QUEUED, conditions=(suspended("Released", "False"),))


def acts(decided: Plan) -> list[type]:
    return [type(action) for action in decided.actions]


def where(decided: Plan) -> tuple[JobState | None, str | None]:
    return decided.status.state, decided.status.reason


# Acceptance.


def test_a_new_job_gets_its_batch_job_and_its_run() -> None:
    decided = plan(snapshot(job()))
    assert acts(decided) == [CreateBacking, CreateRun]
    assert where(decided) == (S.QUEUED, "Preparing")
    assert decided.status.is_true("Suspended")
    assert not decided.wants_place


def test_a_waiting_job_gets_its_batch_job_and_no_run() -> None:
    decided = plan(snapshot(job(depends_on=["a"])))
    assert acts(decided) == [CreateBacking]
    assert where(decided) == (S.WAITING, "DependencyNotFound")


@pytest.mark.parametrize(
    ("lack", "reason", "message"),
    [
        ({"experiment": None}, "ExperimentNotFound", "no experiment 'mnist'"),
        ({"queue": None}, "QueueNotFound", "no queue 'cpu' in this namespace (yet)"),
        (
            {"queue": None, "experiment": experiment(queue=None)},
            "QueueNotFound",
            "neither spec.queue nor the experiment's spec.queue names a queue",
        ),
        ({"experiment": experiment(workflow=None)}, "ImageNotSet", "names an image"),
    ],
)
def test_a_job_waits_for_what_it_refers_to(lack: dict[str, Any], reason: str, message: str) -> None:
    decided = plan(snapshot(job(), **lack))
    assert where(decided) == (S.WAITING, reason)
    assert message in (decided.status.message or "")
    assert decided.actions == ()


@pytest.mark.parametrize(
    ("spec", "image"), [({}, IMAGE), ({"image": "mine:2"}, "mine:2")], ids=["default", "own"]
)
def test_the_jobs_image_comes_before_the_experiments(spec: dict[str, str], image: str) -> None:
    (create, _) = plan(snapshot(job(**spec))).actions
    assert isinstance(create, CreateBacking)
    (container,) = create.manifest["spec"]["template"]["spec"]["containers"]
    assert container["image"] == image


@pytest.mark.parametrize("final", [True, False])
def test_a_refused_batch_job_is_tried_again_unless_it_can_never_be_accepted(final: bool) -> None:
    decided = plan(snapshot(job(), rejection=Rejection("BackingJobRejected", "quota", final)))
    if final:
        assert where(decided) == (S.FAILED, "BackingJobRejected")
        assert decided.status.message == "failed: quota"
        assert decided.actions == ()
    else:
        assert where(decided) == (S.WAITING, "BackingJobRejected")
        assert acts(decided) == [CreateBacking]


def test_a_batch_job_that_no_longer_fits_is_made_anew_while_it_waits() -> None:
    of = job(depends_on=["a"])
    moved = queue(nodeSelector={"pool": "other"})
    decided = plan(accepted(of, queue=moved))
    assert decided.actions == (DeleteBacking("uid-batch-train"),)
    assert where(decided)[0] is S.WAITING

    going = backing(template_hash="old", meta=DELETED)
    assert plan(accepted(of, queue=moved, backing=going)).actions == ()


def test_a_batch_job_that_no_longer_fits_is_not_released() -> None:
    decided = plan(ready(queue=queue(nodeSelector={"pool": "other"}), place=Admitted()))
    assert acts(decided) == [DeleteBacking]
    assert where(decided) == (S.QUEUED, "Preparing")


def test_a_batch_job_on_its_way_to_run_is_not_made_anew() -> None:
    decided = plan(
        ready(
            job(status=RELEASED),
            queue=queue(nodeSelector={"pool": "other"}),
            place=Admitted(),
        )
    )
    assert acts(decided) == [Release]


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


# The queue and the release.


def test_a_suspended_job_stays_in_front_of_the_queue() -> None:
    decided = plan(ready(job(suspend=True), place=Admitted()))
    assert where(decided) == (S.QUEUED, "Suspended")
    assert not decided.wants_place
    assert decided.actions == ()


def test_a_job_with_all_it_needs_wants_a_place() -> None:
    decided = plan(ready())
    assert decided.wants_place
    assert where(decided) == (S.QUEUED, "Queued")
    assert decided.status.mlflow_run_id == "r1"
    assert decided.status.queue == "cpu"


def test_a_job_without_a_place_says_why() -> None:
    decided = plan(ready(place=FULL))
    assert decided.wants_place
    assert (where(decided), decided.status.message) == ((S.QUEUED, "QueueFull"), FULL.message)
    assert decided.actions == ()


def test_a_job_with_a_place_is_released_by_one_patch() -> None:
    decided = plan(ready(job(parameters=[{"name": "eps", "value": ".3"}]), place=Admitted()))
    (release,) = decided.actions
    assert isinstance(release, Release)
    annotations = release.patch["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {
        observed.PARAMETERS: '{"eps": ".3"}',
        observed.RUN_ID: "r1",
        observed.TRACKING_EXPERIMENT_ID: "7",
    }
    assert where(decided) == (S.QUEUED, "Released")
    suspended_ = decided.status.condition("Suspended")
    assert suspended_ is not None
    assert suspended_.status == "False"


def test_a_release_that_was_told_and_not_done_is_done_again() -> None:
    assert acts(plan(ready(job(status=RELEASED), place=Admitted()))) == [Release]


def test_a_batch_job_that_is_being_deleted_is_not_released() -> None:
    decided = plan(ready(backing=fitting(job(), meta=DELETED), place=Admitted()))
    assert where(decided) == (S.QUEUED, "Preparing")
    assert not decided.wants_place


def test_without_tracking_no_run_is_made() -> None:
    untracked = experiment(tracking="None", registered=None)
    decided = plan(accepted(experiment=untracked, place=Admitted()))
    (release,) = decided.actions
    assert isinstance(release, Release)
    annotations = release.patch["spec"]["template"]["metadata"]["annotations"]
    assert annotations[observed.RUN_ID] == ""


AWAY = "MLflow unreachable since 2026-03-01T11:00:00Z"
NOT_REGISTERED = {
    "type": "Ready",
    "status": "False",
    "reason": "TrackingUnavailable",
    "message": AWAY,
    "lastTransitionTime": stamp(NOW),
}


@pytest.mark.parametrize(
    ("surroundings", "reason", "message", "asks"),
    [
        ({}, "Preparing", "its MLflow run is being created", True),
        ({"run": TrackingView(trouble=AWAY)}, "TrackingUnavailable", AWAY, True),
        (
            {"experiment": experiment(registered=None)},
            "Preparing",
            "the experiment is being registered in MLflow",
            False,
        ),
        (
            {"experiment": experiment(registered=None, status={"conditions": [NOT_REGISTERED]})},
            "TrackingUnavailable",
            AWAY,
            False,
        ),
    ],
    ids=["run being created", "no run", "experiment being registered", "no experiment"],
)
def test_a_job_waits_for_its_run_and_says_if_mlflow_is_away(
    surroundings: dict[str, Any], reason: str, message: str, asks: bool
) -> None:
    decided = plan(accepted(**surroundings, place=Admitted()))
    assert (where(decided), decided.status.message) == ((S.QUEUED, reason), message)
    assert acts(decided) == ([CreateRun] if asks else [])


def test_a_job_keeps_the_run_it_has() -> None:
    decided = plan(accepted(job_in(S.QUEUED, mlflow_run_id="r0"), place=Admitted()))
    assert decided.status.mlflow_run_id == "r0"
    assert acts(decided) == [Release]


# Running, and the end.


@pytest.mark.parametrize(
    ("pods", "over", "state"),
    [
        ((), {}, S.QUEUED),
        ((running_pod(),), {}, S.STARTED),
        ((succeeded_pod(),), complete(), S.FINISHED),
        ((failed_pod(),), failed(), S.FAILED),
    ],
)
def test_a_released_job_goes_by_its_pods(
    pods: tuple[Any, ...], over: dict[str, Any], state: JobState
) -> None:
    found = plan(
        snapshot(job(status=RELEASED), backing=backing(suspend=False, status=over), pods=pods)
    )
    assert found.status.state is state


def test_a_batch_job_that_vanished_fails_a_released_job() -> None:
    decided = plan(snapshot(job(status=RELEASED)))
    assert where(decided) == (S.FAILED, "BackingJobDeleted")


def test_a_batch_job_that_vanished_before_release_is_made_again() -> None:
    waiting_job = job_in(S.WAITING, conditions=(suspended("Created"),))
    assert CreateBacking in acts(plan(snapshot(waiting_job)))


@pytest.mark.parametrize(
    "of",
    [
        snapshot(job(cancel=True)),
        snapshot(job(cancel=True, depends_on=["missing"])),
        ready(job(cancel=True), place=Admitted()),
        snapshot(
            job(cancel=True, status=RELEASED), backing=backing(suspend=False), pods=(running_pod(),)
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
    for backing_ in (None, backing(suspend=True), backing(suspend=False)):
        of = snapshot(job(status=status, **spec), backing=backing_, run=TrackingView())
        assert plan(of).status == status


@pytest.mark.parametrize(
    "of",
    [
        snapshot(job(meta=DELETED)),
        ready(job(meta=DELETED), place=Admitted()),
        snapshot(job(meta=DELETED, status=JobStatus(state=S.CANCELLED)), backing=backing()),
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
        [(), (suspended("Created"),), (suspended("Released", status="False"),)]
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
backings = st.builds(
    backing,
    suspend=st.booleans(),
    template_hash=st.sampled_from(["", "old"]),
    annotations=st.sampled_from([{}, {observed.PARAMETERS: "{}"}]),
    status=st.sampled_from([{}, {"failed": 1}, complete(), failed()]),
    meta=st.sampled_from([{}, DELETED]),
)
snapshots = st.builds(
    Snapshot,
    job=jobs,
    now=st.sampled_from([NOW, NOW + timedelta(days=1)]),
    experiment=st.sampled_from(
        [None, experiment(), experiment(registered=None), experiment(tracking="None")]
    ),
    queue=st.sampled_from([None, queue(), queue(stopPolicy="HoldAndDrain")]),
    others=st.dictionaries(
        st.sampled_from("ab"), st.builds(job, st.just("x"), status=statuses), max_size=2
    ),
    awaited=st.booleans(),
    cycle=st.sampled_from([(), ("train", "a")]),
    backing=st.none() | backings,
    rejection=st.sampled_from([None, Rejection("NameConflict", "m", False)]),
    pods=st.lists(pods, max_size=2).map(tuple),
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
        assert decided.actions == ()
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
        assert {CreateBacking, Release}.isdisjoint(acts(decided))
