"""The way of a job up to its release."""

from datetime import timedelta
from typing import Any

import pytest

from alidade.api.job import (
    Dependency,
    DependencyCondition,
    DependencyStatus,
    Job,
    JobState,
    JobStatus,
    OnUnsatisfied,
)
from alidade.api.parameter import ParameterValue
from alidade.domain import observed
from alidade.domain.actions import (
    CreateBacking,
    CreateRun,
    DeleteBacking,
    Release,
)
from alidade.domain.admission import Admitted
from alidade.domain.plan import RETRY_REJECTED_SECONDS, plan
from alidade.domain.snapshot import Rejection, TrackingView
from tests.support.builders import (
    IMAGE,
    NOW,
    ago,
    backing,
    experiment,
    job,
    job_in,
    met,
    queue,
    running_pod,
    snapshot,
    stamp,
)
from tests.support.plans import (
    DELETED,
    FULL,
    RELEASED,
    S,
    accepted,
    acts,
    fitting,
    ready,
    where,
)


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
    decided = plan(snapshot(job(), rejection=Rejection("BackingJobRejected", "quota", final, NOW)))
    if final:
        assert where(decided) == (S.FAILED, "BackingJobRejected")
        assert decided.status.message == "failed: quota"
        assert decided.actions == ()
    else:
        assert where(decided) == (S.WAITING, "BackingJobRejected")
        assert decided.wake_after == timedelta(seconds=RETRY_REJECTED_SECONDS)
        assert acts(decided) == []
        later = Rejection("BackingJobRejected", "quota", final, ago(RETRY_REJECTED_SECONDS))
        assert acts(plan(snapshot(job(), rejection=later))) == [CreateBacking]


def test_a_batch_job_that_no_longer_fits_is_made_anew_while_it_waits() -> None:
    of = job(depends_on=["a"])
    moved = queue(nodeSelector={"pool": "other"})
    decided = plan(accepted(of, queue=moved))
    assert decided.actions == (DeleteBacking("uid-batch-train", foreground=True),)
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


def test_a_job_is_not_released_beside_a_pod_of_an_earlier_batch_job() -> None:
    decided = plan(ready(strays=(running_pod(),), place=Admitted()))
    assert where(decided) == (S.QUEUED, "Stopping")
    assert decided.status.message == "its earlier pod train-x7k2p has yet to end"
    assert (decided.wants_place, decided.actions) == (False, ())


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
