"""The way of a job up to its release."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alidade_core.api.job import Job
from alidade_core.api.job_condition import JobCondition
from alidade_operator.decide.actions import CreateBatchJob, CreateRun, DeleteBatchJob, Release
from alidade_operator.decide.admission.quota import SHORT_SECONDS
from alidade_operator.decide.admitted import Admitted
from alidade_operator.decide.answers import TrackingView
from alidade_operator.decide.plan import plan
from alidade_operator.decide.refusal import FIRST_PAUSE_SECONDS
from alidade_operator.decide.rejection import Rejection
from alidade_operator.objects import well_known
from tests.support.builders import (
    IMAGE,
    NOW,
    ago,
    batch_job,
    experiment,
    job,
    job_body,
    job_in,
    queue,
    running_pod,
    snapshot,
    stamp,
)
from tests.support.plans import (
    DELETED,
    FULL,
    RELEASED,
    RUN,
    S,
    accepted,
    acts,
    fitting,
    ready,
    where,
)

OWN_ANNOTATION = {
    "metadata": {
        "annotations": {"team": "a", well_known.RUN_ID: "another", well_known.PARAMETERS: "{}"}
    }
}


def test_a_new_job_that_is_free_to_run_gets_its_run_first() -> None:
    decided = plan(snapshot(job()))
    assert acts(decided) == [CreateRun]
    assert where(decided) == (S.QUEUED, "Preparing")
    assert not decided.wants_place


def test_what_may_run_at_once_is_created_running_with_what_its_pods_are_told() -> None:
    of = job(parameters=[{"name": "eps", "value": ".3"}], podTemplate=OWN_ANNOTATION)
    decided = plan(snapshot(of, run=RUN, place=Admitted()))
    (create,) = decided.actions
    assert isinstance(create, CreateBatchJob)
    assert create.runs
    assert create.manifest["spec"]["suspend"] is False
    assert create.manifest["spec"]["template"]["metadata"]["annotations"] == {
        "team": "a",
        well_known.PARAMETERS: '{"eps": ".3"}',
        well_known.RUN_ID: "r1",
        well_known.TRACKING_EXPERIMENT_ID: "7",
    }
    assert decided.wants_place
    # That it runs is told when it is seen to.
    assert where(decided) == (S.QUEUED, "Preparing")
    assert decided.status.is_true("Suspended")


@pytest.mark.parametrize(
    ("surroundings", "reason"),
    [
        ({"job": job(depends_on=["a"])}, "DependencyNotFound"),
        ({"job": job(suspend=True), "run": RUN}, "Suspended"),
        ({"run": RUN, "place": FULL}, "QueueFull"),
        ({"run": TrackingView(trouble="MLflow is away")}, "TrackingUnavailable"),
    ],
)
def test_what_waits_is_created_suspended(surroundings: dict[str, Any], reason: str) -> None:
    decided = plan(replace(snapshot(job()), **surroundings))
    (create,) = (a for a in decided.actions if isinstance(a, CreateBatchJob))
    assert not create.runs
    assert create.service is None
    assert create.manifest["spec"]["suspend"] is True
    assert decided.status.reason == reason
    assert decided.status.is_true("Suspended")


def test_what_waits_takes_no_room_where_a_quota_is_short() -> None:
    waits = snapshot(job(depends_on=["a"]), short_since=ago(10))
    decided = plan(waits)
    assert (acts(decided), where(decided)) == ([], (S.WAITING, "DependencyNotFound"))
    assert decided.wake_after == timedelta(seconds=SHORT_SECONDS - 10)
    assert acts(plan(replace(waits, short_since=ago(SHORT_SECONDS)))) == [CreateBatchJob]
    # What refused it before is no news as long as it does not ask again.
    webhook = Rejection("BackingJobRejected", "not today", final=False, at=ago(99), pause=5)
    assert plan(replace(waits, rejection=webhook)).status.reason == "DependencyNotFound"
    runs = snapshot(job(), run=RUN, place=Admitted(), short_since=ago(10))
    assert acts(plan(runs)) == [CreateBatchJob]


def test_the_service_comes_with_what_lets_the_pods_run() -> None:
    of = job(replicas=2)
    (create,) = plan(snapshot(of, run=RUN, place=Admitted())).actions
    assert isinstance(create, CreateBatchJob)
    (release,) = plan(ready(of, place=Admitted())).actions
    assert isinstance(release, Release)
    assert create.service == release.service
    assert create.service
    assert create.service["kind"] == "Service"


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
    (create,) = plan(snapshot(job(suspend=True, **spec))).actions
    assert isinstance(create, CreateBatchJob)
    (container,) = create.manifest["spec"]["template"]["spec"]["containers"]
    assert container["image"] == image


@pytest.mark.parametrize("final", [True, False])
def test_a_refused_batch_job_is_tried_again_unless_it_can_never_be_accepted(final: bool) -> None:
    refused = Rejection("BackingJobRejected", "quota", final, NOW)
    decided = plan(snapshot(job(), run=RUN, rejection=refused))
    if final:
        assert where(decided) == (S.FAILED, "BackingJobRejected")
        assert decided.status.message == "failed: quota"
        assert decided.actions == ()
    else:
        assert where(decided) == (S.WAITING, "BackingJobRejected")
        assert decided.wake_after == timedelta(seconds=FIRST_PAUSE_SECONDS)
        # Another may have its place meanwhile.
        assert (acts(decided), decided.wants_place) == ([], False)
        later = Rejection("BackingJobRejected", "quota", final, ago(FIRST_PAUSE_SECONDS))
        again = plan(snapshot(job(), run=RUN, place=Admitted(), rejection=later))
        assert acts(again) == [CreateBatchJob]
        assert again.wants_place
        assert where(again) == (S.WAITING, "BackingJobRejected")


def test_a_release_that_was_refused_is_told_and_tried_again() -> None:
    refused = Rejection("BackingJobRejected", "release refused: policy", False, NOW, pause=60)
    decided = plan(ready(place=Admitted(), rejection=refused))
    assert (where(decided), acts(decided)) == ((S.WAITING, "BackingJobRejected"), [])
    assert decided.wake_after == timedelta(seconds=60)
    assert not decided.wants_place
    later = replace(refused, at=ago(60))
    assert acts(plan(ready(place=Admitted(), rejection=later))) == [Release]


def test_a_job_that_waits_tells_a_refusal_that_no_waiting_heals_and_no_other() -> None:
    refused = Rejection("NameConflict", "somebody else's", False, NOW)
    waits = snapshot(job(depends_on=["a"]), rejection=refused)
    assert where(plan(waits)) == (S.WAITING, "NameConflict")
    short = replace(refused, reason="BackingJobRejected", short=True)
    assert where(plan(replace(waits, rejection=short))) == (S.WAITING, "DependencyNotFound")


@pytest.mark.parametrize("field", ["podTemplate", "podFailurePolicy"])
def test_what_is_nested_too_deep_fails_the_job_in_words_that_name_the_field(field: str) -> None:
    deep: dict[str, Any] = {}
    for _ in range(900):
        deep = {"spec": deep}
    decided = plan(
        snapshot(Job.model_validate(job_body() | {"spec": {"experiment": "mnist", field: deep}}))
    )
    assert where(decided) == (S.FAILED, "BackingJobInvalid")
    assert decided.status.message == f"failed: spec.{field} is nested more than 64 levels deep"


def test_fields_that_give_way_to_the_queues_are_named() -> None:
    greedy = {"spec": {"nodeName": "gpu-0", "tolerations": [{"operator": "Exists"}]}}
    decided = plan(snapshot(job(podTemplate=greedy)))
    told = decided.status.condition(JobCondition.POD_TEMPLATE_APPLIED)
    assert told
    assert (told.status, told.reason) == ("False", "QueueWins")
    assert "podTemplate.spec's: nodeName, tolerations (queue cpu's" in told.message
    allowing = queue(jobsMayOverride=["Nodes", "Tolerations"])
    again = plan(snapshot(job(podTemplate=greedy, status=decided.status), queue=allowing))
    assert again.status.is_true(JobCondition.POD_TEMPLATE_APPLIED)
    assert plan(snapshot(job())).status.condition(JobCondition.POD_TEMPLATE_APPLIED) is None


def test_a_job_is_not_created_running_beside_a_pod_of_an_earlier_batch_job() -> None:
    decided = plan(snapshot(job(), run=RUN, pods=(running_pod(),), place=Admitted()))
    assert (where(decided), acts(decided)) == ((S.QUEUED, "Stopping"), [])


def test_a_batch_job_that_no_longer_fits_is_made_anew_while_it_waits() -> None:
    of = job(depends_on=["a"])
    moved = queue(nodeSelector={"pool": "other"})
    decided = plan(accepted(of, queue=moved))
    assert decided.actions == (DeleteBatchJob("uid-batch-train", "1", foreground=True),)
    assert where(decided)[0] is S.WAITING

    going = batch_job(template_hash="old", meta=DELETED)
    assert plan(accepted(of, queue=moved, batch_job=going)).actions == ()


def test_a_batch_job_that_no_longer_fits_is_not_released() -> None:
    decided = plan(ready(queue=queue(nodeSelector={"pool": "other"}), place=Admitted()))
    assert acts(decided) == [DeleteBatchJob]
    assert where(decided) == (S.QUEUED, "Preparing")


def test_one_that_somebody_suspended_and_that_no_longer_fits_is_made_anew() -> None:
    decided = plan(
        ready(
            job(status=RELEASED),
            queue=queue(nodeSelector={"pool": "other"}),
            place=Admitted(),
        )
    )
    assert acts(decided) == [DeleteBatchJob]


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
        well_known.PARAMETERS: '{"eps": ".3"}',
        well_known.RUN_ID: "r1",
        well_known.TRACKING_EXPERIMENT_ID: "7",
    }
    # That it runs is told when it is seen to.
    assert where(decided) == (S.QUEUED, "Preparing")
    assert decided.status.is_true("Suspended")


def test_what_someone_else_suspended_is_released_again() -> None:
    assert acts(plan(ready(job(status=RELEASED), place=Admitted()))) == [Release]


def test_a_batch_job_that_is_being_deleted_is_not_released() -> None:
    decided = plan(ready(batch_job=fitting(job(), meta=DELETED), place=Admitted()))
    assert where(decided) == (S.QUEUED, "Preparing")
    assert decided.status.message == "its batch/v1 Job is being made anew"
    assert not decided.wants_place


def test_a_job_is_not_released_beside_a_pod_of_an_earlier_batch_job() -> None:
    decided = plan(ready(orphans=(running_pod(),), place=Admitted()))
    assert where(decided) == (S.QUEUED, "Stopping")
    assert decided.status.message == "its earlier pod train-x7k2p has yet to end"
    assert (decided.wants_place, decided.actions) == (False, ())


def test_without_tracking_no_run_is_made() -> None:
    untracked = experiment(tracking="None", registered=None)
    decided = plan(accepted(experiment=untracked, place=Admitted()))
    (release,) = decided.actions
    assert isinstance(release, Release)
    annotations = release.patch["spec"]["template"]["metadata"]["annotations"]
    assert annotations[well_known.RUN_ID] == ""


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
        (
            {"experiment": experiment(status={"conditions": [NOT_REGISTERED]})},
            "TrackingUnavailable",
            AWAY,
            False,
        ),
    ],
    ids=[
        "run being created",
        "no run",
        "experiment being registered",
        "no experiment",
        "an experiment that cannot be used any more",
    ],
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
