"""What fails around the jobs, be it the operator, the API server or MLflow, changes no end."""

import random
from collections.abc import Iterator
from itertools import islice

import pytest

from tests.integration.conftest import NewOperator
from tests.integration.manifests import Body, experiment, job, queue
from tests.integration.scene import (
    BATCH_JOB,
    JOB,
    Scene,
    in_the_order_released,
    most_at_a_time,
)
from tests.support.control_plane import ControlPlane
from tests.support.kubelet import failed, running, succeeded
from tests.support.operator import Operator
from tests.support.polling import eventually
from tests.support.tracking import TrackingServer

VERSION = {"name": "version", "valueFrom": {"job": "train", "output": "version"}}
DIAMOND: tuple[Body, ...] = (
    job("train"),
    job("attack-a", "train", parameters=[VERSION]),
    job("attack-b", "train"),
    job("defend", "attack-a", "attack-b"),
    job("bad"),
    job("never", "bad", "defend"),
    job("mourn", {"name": "bad", "condition": "Failed"}),
)
ENDS = {
    "train": "Finished",
    "attack-a": "Finished",
    "attack-b": "Finished",
    "defend": "Finished",
    "bad": "Failed",
    "never": "Skipped",
    "mourn": "Finished",
}
RUN_ENDS = {"Finished": "FINISHED", "Failed": "FAILED"}


@pytest.fixture
def own_operator(new_operator: NewOperator) -> Iterator[Operator]:
    """An operator that the test may kill."""
    with new_operator(resync_seconds="5") as operator:
        yield operator
        assert "reconcile.crashed" not in operator.log()


@pytest.fixture
def diamond(scene: Scene) -> Scene:
    """A namespace where the pods of the diamond end as they are to."""
    scene.let("train", [running(), succeeded({"version": "3"})])
    scene.let("bad", [running(), failed(1, "no luck")])
    scene.apply(queue(maxRunning=2))
    return scene


def assert_all_ended_once(scene: Scene) -> None:
    """Each job ended as it should, had one pod and one run, and MLflow agrees on its end."""
    assert scene.states() == ENDS
    for name in set(ENDS) - {"never"}:
        scene.kubectl("wait", "--for=condition=Tracked", f"ajob/{name}", "--timeout=60s")
        [pod] = scene.pods(name)
        run = scene.run(name)
        assert run.info.status == RUN_ENDS[ENDS[name]]
        assert run.data.tags["alidade.dev/state"] == ENDS[name]
        assert scene.status(name)["mlflowRunId"] == run.info.run_id
        assert pod["metadata"]["annotations"]["alidade.dev/mlflow-run-id"] == run.info.run_id
    assert scene.status("attack-a")["parameters"] == [{"name": "version", "value": "3"}]
    assert scene.status("never")["message"] == "bad failed: exit code 1: no luck"
    assert not scene.tracking.runs_of(scene.get(JOB, "never")["metadata"]["uid"])


def assert_all_took_their_turn(scene: Scene, since: str) -> None:
    """No batch/v1 Job was made twice, and no more of them ran at a time than may."""
    versions = scene.history(BATCH_JOB, since)
    assert len({version["metadata"]["uid"] for version in versions}) == len(ENDS)
    assert sorted(in_the_order_released(versions)) == sorted(set(ENDS) - {"never"})
    assert most_at_a_time(versions) == 2


def test_an_operator_killed_again_and_again_does_everything_once(
    own_operator: Operator, diamond: Scene
) -> None:
    since = diamond.version(BATCH_JOB)
    seen = diamond.version(JOB)
    diamond.apply(*DIAMOND)
    deaths = 0

    while diamond.states() != ENDS:
        if not own_operator.runs:
            own_operator.start()
        # It dies after some change of some job's status, in the middle of what follows from that.
        for version in islice(diamond.watch(JOB, seen, seconds=5), random.randint(3, 15)):
            seen = version["metadata"]["resourceVersion"]
        own_operator.kill()
        deaths += 1

    assert deaths >= 3
    own_operator.start()
    assert_all_ended_once(diamond)
    assert_all_took_their_turn(diamond, since)


def test_jobs_go_on_when_the_api_server_is_back(
    own_operator: Operator, diamond: Scene, plane: ControlPlane
) -> None:
    diamond.let("train", [running()])
    diamond.apply(*DIAMOND)
    diamond.until("train", "Started")
    diamond.until("bad", "Failed")

    plane.kill("kube-apiserver")
    diamond.let("train", [running(), succeeded({"version": "3"})])
    plane.start("kube-apiserver")
    plane.wait_until_ready()

    diamond.until_states(ENDS)
    assert_all_ended_once(diamond)
    assert own_operator.runs


def test_what_was_deleted_while_no_operator_looked_is_not_waited_for(
    own_operator: Operator, scene: Scene
) -> None:
    scene.let("a", [running()])
    scene.apply(job("a"), job("b", "a"))
    scene.until("a", "Started")
    scene.until("b", "Waiting", "DependencyPending")

    own_operator.kill()
    scene.delete(JOB, "a")
    scene.until_gone(BATCH_JOB, "a")
    own_operator.start()

    scene.until("b", "Waiting", "DependencyNotFound")


def test_a_job_that_ended_while_no_operator_looked_ends_as_its_pod_did(
    own_operator: Operator, scene: Scene
) -> None:
    scene.let("good", [running()])
    scene.let("bad", [running()])
    scene.apply(job("good"), job("bad"), job("b", "good"))
    scene.until_states({"good": "Started", "bad": "Started"})

    own_operator.kill()
    scene.let("good", [running(), succeeded({"version": "3"})])
    scene.let("bad", [running(), failed(1, "no luck")])
    scene.kubectl("wait", "--for=condition=Complete", "job.batch/good", "--timeout=60s")
    scene.kubectl("wait", "--for=condition=Failed", "job.batch/bad", "--timeout=60s")
    own_operator.start()

    scene.until_states({"good": "Finished", "bad": "Failed", "b": "Finished"})
    assert scene.status("good")["outputs"] == {"version": "3"}
    assert scene.status("bad")["message"] == "failed: exit code 1: no luck"


def test_jobs_wait_for_mlflow_before_they_run_and_lack_nothing_afterwards(
    own_operator: Operator, diamond: Scene, tracking: TrackingServer
) -> None:
    diamond.until_registered("bench")
    tracking.kill()
    try:
        diamond.apply(*DIAMOND)
        diamond.apply(experiment("late"), job("newcomer", experiment="late"))

        for name in ("train", "bad", "newcomer"):
            status = diamond.until(name, "Queued", "TrackingUnavailable")
            assert status["message"].startswith("MLflow unreachable since ")
        diamond.until("defend", "Waiting", "DependencyPending")
        assert not diamond.pods("train")
        assert own_operator.read("/readyz") == "ok\n"
    finally:
        tracking.start()
        tracking.wait_until_ready()

    diamond.until("newcomer", "Finished")
    diamond.delete(JOB, "newcomer")
    diamond.until_states(ENDS)
    assert_all_ended_once(diamond)


def test_jobs_end_without_mlflow_and_their_runs_end_when_it_is_back(
    own_operator: Operator, scene: Scene, tracking: TrackingServer
) -> None:
    scene.let("a", [running()])
    scene.apply(job("a"), job("b", "a"))
    scene.until("a", "Started")

    tracking.kill()
    try:
        scene.let("a", [running(), failed(1, "no luck")])
        scene.until_states({"a": "Failed", "b": "Skipped"})
        eventually(lambda: tracked(scene, "a").get("reason") == "TrackingUnavailable")
        assert tracked(scene, "a")["status"] == "False"
    finally:
        tracking.start()
        tracking.wait_until_ready()

    eventually(lambda: tracked(scene, "a")["status"] == "True")
    assert scene.run("a").info.status == "FAILED"
    assert own_operator.runs


def tracked(scene: Scene, name: str) -> Body:
    conditions: list[Body] = scene.status(name)["conditions"]
    return next((c for c in conditions if c["type"] == "Tracked"), {})
