from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from alidade_operator.objects.reading import pod, read_batch_job
from alidade_operator.objects.views import BatchJob, Container, Failure, Pod, Terminated, Waiting
from alidade_operator.objects.well_known import WORKER
from alidade_operator.objects.wire import parse_time
from tests.support.builders import (
    DELETED,
    NOW,
    ago,
    batch_job,
    complete,
    disruption,
    failed,
    pod_body,
    running,
    stamp,
    terminated,
    waiting,
)
from tests.support.builders import pod as read_pod
from tests.support.given import BATCH_JOB, POD


def at(hour: int, minute: int, second: int) -> datetime:
    return datetime(2026, 3, 1, hour, minute, second, tzinfo=UTC)


def test_a_batch_job_is_read_as_the_api_server_gives_it() -> None:
    assert read_batch_job(yaml.safe_load(BATCH_JOB)) == BatchJob(
        namespace="lab",
        name="train",
        uid="77aa0c6e-1a52-4b39-8f5a-7d4b8a2f9c10",
        resource_version="90417",
        owner_uid="3c2b1a00-5d1f-4b53-9c9c-0f0e7a3f5a11",
        queue="cpu",
        experiment=None,
        flavor=None,
        local_queue=None,
        handed_over=None,
        template_hash="9f2c11ab34de5678",
        suspended=False,
        released_before=True,
        run_id="r1",
        deleting=False,
        succeeded=1,
        failed=1,
        complete=True,
        failure=None,
        done=(range(1), range(2, 5), range(7, 8)),
    )


def test_a_pod_is_read_as_the_api_server_gives_it() -> None:
    assert pod(yaml.safe_load(POD)) == Pod(
        namespace="lab",
        name="train-x7k2p",
        uid="e1e1e1e1-0000-4000-8000-000000000001",
        resource_version="90410",
        job="train",
        owner_uid="77aa0c6e-1a52-4b39-8f5a-7d4b8a2f9c10",
        created=at(11, 59, 1),
        phase="Failed",
        reason="",
        message="",
        node="alidade-worker2",
        scheduled=at(11, 59, 1),
        unschedulable=None,
        disruption=None,
        init=None,
        container=Container(
            WORKER,
            terminated=Terminated(137, None, "OOMKilled", "Killed", at(11, 59, 3), at(12, 2, 55)),
        ),
        beside=(),
        deleting=False,
        node_silent=False,
        index=None,
        ran=True,
        counted=False,
    )


@pytest.mark.parametrize(
    ("found", "ended", "holds_place"),
    [
        (batch_job(suspend=True), False, False),
        (batch_job(suspend=False), False, True),
        (batch_job(suspend=False, status=complete()), True, False),
        (batch_job(suspend=False, status=failed()), True, False),
    ],
    ids=["suspended", "released", "complete", "failed"],
)
def test_a_released_batch_job_holds_a_place_until_it_ends(
    found: BatchJob, ended: bool, holds_place: bool
) -> None:
    assert (found.ended, found.holds_place) == (ended, holds_place)


def test_the_failure_of_a_batch_job_is_kept_in_its_words() -> None:
    assert batch_job(status=failed("DeadlineExceeded", "too long", failed=2)).failure == Failure(
        "DeadlineExceeded", "too long"
    )


def test_conditions_that_are_not_true_say_nothing() -> None:
    conditions = [{"type": kind, "status": "False"} for kind in ("Complete", "Failed")]
    assert not batch_job(status={"conditions": conditions}).ended


def test_a_batch_job_of_nobody_is_read_too() -> None:
    bare = {
        "metadata": {"name": "a", "namespace": "b", "uid": "c", "resourceVersion": "1"},
        "spec": {"template": {"spec": {}}},
    }
    found = read_batch_job(bare)
    assert (found.owner_uid, found.queue, found.template_hash) == (None, None, None)
    assert (found.suspended, found.released_before, found.ended) == (False, False, False)


@pytest.mark.parametrize(
    ("state", "container", "started"),
    [
        ({}, Container(WORKER), None),
        (waiting("ContainerCreating"), Container(WORKER, Waiting("ContainerCreating", "")), None),
        (
            {"running": {"startedAt": "2026-03-01T12:00:00Z"}},
            Container(WORKER, running_since=at(12, 0, 0)),
            at(12, 0, 0),
        ),
        (
            terminated(2, "Error", "no luck", started=at(12, 0, 0), finished=at(12, 0, 9)),
            Container(
                WORKER,
                terminated=Terminated(2, None, "Error", "no luck", at(12, 0, 0), at(12, 0, 9)),
            ),
            at(12, 0, 0),
        ),
        (
            terminated(128, "StartError", "no such file", started=None, finished=None),
            Container(
                WORKER, terminated=Terminated(128, None, "StartError", "no such file", None, None)
            ),
            None,
        ),
    ],
    ids=["nothing", "waiting", "running", "terminated", "never started"],
)
def test_states_of_the_container(
    state: dict[str, object], container: Container, started: datetime | None
) -> None:
    found = read_pod(worker=state)
    assert found.container == container
    assert found.started == started


def test_a_pod_without_statuses_has_not_started() -> None:
    found = read_pod()
    assert (found.container, found.started) == (None, None)


def test_a_pod_without_a_status_is_pending() -> None:
    body = pod_body(node=None)
    del body["status"]
    found = pod(body)
    assert (found.phase, found.node, found.scheduled, found.unschedulable) == (
        "Pending",
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("condition", "unschedulable"),
    [
        ({"status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}, "0/3 nodes"),
        ({"status": "False", "reason": "Unschedulable"}, "unschedulable"),
        ({"status": "False", "reason": "SchedulingGated", "message": "gated"}, None),
        ({"status": "True"}, None),
    ],
)
def test_why_a_pod_has_no_node(condition: dict[str, str], unschedulable: str | None) -> None:
    found = read_pod(node=None, conditions=[{"type": "PodScheduled", **condition}])
    assert found.unschedulable == unschedulable


def test_a_disruption_is_told_apart() -> None:
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    assert read_pod(conditions=[condition]).disruption == Failure("PreemptionByScheduler", "")
    assert read_pod(conditions=[{**condition, "status": "False"}]).disruption is None


@pytest.mark.parametrize(
    ("ready", "containers", "silent"),
    [
        ({"status": "False"}, "True", True),
        ({"status": "True"}, "True", False),
        ({"status": "False", "reason": "ContainersNotReady"}, "False", False),
        ({"status": "False", "reason": "ReadinessGatesNotReady"}, "True", False),
        ({"status": "False"}, "False", False),
    ],
    ids=["silent", "ready", "not ready", "readiness gate", "was not ready before"],
)
def test_a_node_is_silent_if_the_pods_readiness_alone_is_taken_away(
    ready: dict[str, str], containers: str, silent: bool
) -> None:
    conditions = [{"type": "Ready", **ready}, {"type": "ContainersReady", "status": containers}]
    assert read_pod(conditions=conditions).node_silent is silent


def test_of_init_containers_the_one_in_trouble_is_read() -> None:
    body = pod_body()
    body["status"]["initContainerStatuses"] = [
        {"name": "a", "state": terminated(0)},
        {"name": "b", "state": waiting("ImagePullBackOff", "no such image")},
        {"name": "c", "state": waiting("PodInitializing")},
    ]
    assert pod(body).init == Container("b", Waiting("ImagePullBackOff", "no such image"))


def sidecar(state: dict[str, Any], worker: dict[str, Any], **status: Any) -> Pod:
    body = pod_body(worker=worker)
    body["spec"]["initContainers"] = [{"name": "side", "restartPolicy": "Always"}]
    body["status"]["initContainerStatuses"] = [{"name": "side", "state": state, **status}]
    return pod(body)


CRASHED = {"lastState": terminated(1, message="no configuration")}


@pytest.mark.parametrize(
    ("state", "fields"),
    [
        (waiting("CrashLoopBackOff", "back-off 10s"), CRASHED),
        (terminated(1), {}),
        (running(), {**CRASHED, "started": False}),
    ],
    ids=["waits to be started again", "has just ended", "is tried again, and not there yet"],
)
def test_a_sidecar_that_crashes_keeps_its_pod_from_its_start(
    state: dict[str, Any], fields: dict[str, Any]
) -> None:
    found = sidecar(state, waiting("PodInitializing"), **fields)
    assert found.init is not None
    assert (found.init.restarts, found.sidecar) == (True, None)


def test_a_sidecar_that_runs_keeps_its_pod_from_nothing() -> None:
    assert sidecar(running(), waiting("PodInitializing"), started=True).init is None
    assert sidecar(running(), waiting("PodInitializing"), started=False).init is None


def test_a_sidecar_that_crashes_beside_the_jobs_container_is_told_apart() -> None:
    found = sidecar(waiting("CrashLoopBackOff"), running(), **CRASHED)
    assert (found.init, found.sidecar and found.sidecar.name) == (None, "side")
    assert [c.name for c in found.logged] == ["side", WORKER]


def test_a_container_says_of_which_image_it_was_made() -> None:
    body = pod_body(worker=running())
    body["status"]["containerStatuses"][0]["imageID"] = "registry.example/w@sha256:0a"
    found = pod(body).container
    assert found is not None
    assert found.image_id == "registry.example/w@sha256:0a"


@pytest.mark.parametrize(
    ("meta", "conditions", "asked"),
    [
        ({}, [], None),
        ({"deletionTimestamp": "2026-03-01T12:00:30Z", "deletionGracePeriodSeconds": 30}, [], NOW),
        ({"deletionTimestamp": stamp(NOW), "deletionGracePeriodSeconds": 0}, [], NOW),
        (
            {"deletionTimestamp": "2026-03-01T12:00:30Z", "deletionGracePeriodSeconds": 30},
            [{**disruption("EvictionByEvictionAPI"), "lastTransitionTime": stamp(ago(1))}],
            ago(1),
        ),
        (
            {"deletionTimestamp": "0001-01-01T00:00:01Z", "deletionGracePeriodSeconds": 2**62},
            [],
            datetime(1, 1, 1, 0, 0, 1, tzinfo=UTC),
        ),
    ],
    ids=["never", "with grace", "without", "evicted", "odd"],
)
def test_when_the_end_of_a_pod_was_asked_for(
    meta: dict[str, Any], conditions: list[Any], asked: datetime | None
) -> None:
    assert read_pod(meta=meta, conditions=conditions).stop_asked == asked


def test_what_is_being_deleted_says_so() -> None:
    assert read_pod(meta=DELETED).deleting
    assert batch_job(meta=DELETED).deleting


def test_times_are_read_with_their_zone() -> None:
    assert parse_time("2026-03-01T12:00:00Z") == at(12, 0, 0)
    assert parse_time(None) is None


def test_the_kubelets_time_of_what_never_started_is_none() -> None:
    assert parse_time("1970-01-01T00:00:00Z") is None
