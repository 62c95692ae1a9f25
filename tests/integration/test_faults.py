"""What fails around the jobs, be it the operator, the API server or MLflow, changes no end."""

import random
from collections.abc import Iterator
from itertools import islice

import pytest

from tests.integration.conftest import NewScene
from tests.integration.scene import (
    BATCH_JOB,
    EXPERIMENT,
    JOB,
    Scene,
    in_the_order_released,
    most_at_a_time,
)
from tests.support.control_plane import ControlPlane
from tests.support.kubelet import failed, running, succeeded
from tests.support.manifests import Body, experiment, job, queue
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
DEATHS = 5
RUN_ENDS = {"Finished": "FINISHED", "Failed": "FAILED"}


@pytest.fixture
def mortal(operator: Operator) -> Iterator[Operator]:
    """The operator, which the test may kill."""
    yield operator
    if not operator.runs:
        operator.start()
        operator.wait_until_ready()


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
        scene.until_tracked(name)
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
    # A job may be over before the next is let run: that all places are used is for test_queues.py.
    assert most_at_a_time(versions) <= 2


def test_an_operator_killed_again_and_again_does_everything_once(
    mortal: Operator, diamond: Scene
) -> None:
    since = diamond.version(BATCH_JOB)
    seen = diamond.version(JOB)
    diamond.apply(*DIAMOND)

    for _ in range(DEATHS):
        # It dies after some change of some job's status, in the middle of what follows from that.
        for version in islice(diamond.watch(JOB, seen, seconds=3), random.randint(2, 12)):
            seen = version["metadata"]["resourceVersion"]
        mortal.kill()
        mortal.start()
        mortal.wait_until_ready()

    diamond.until_states(ENDS)
    assert_all_ended_once(diamond)
    assert_all_took_their_turn(diamond, since)


def test_jobs_go_on_when_the_api_server_is_back(
    mortal: Operator, diamond: Scene, plane: ControlPlane
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
    assert mortal.runs


def test_what_was_deleted_while_no_operator_looked_is_not_waited_for_and_its_run_is_ended(
    mortal: Operator, scene: Scene, tracking: TrackingServer
) -> None:
    scene.let("a", [running()])
    scene.apply(job("a"), job("b", "a"))
    scene.until("a", "Started")
    scene.until("b", "Waiting", "DependencyPending")
    run = scene.run("a")
    foreign = tracking.client.create_run(
        run.info.experiment_id,
        tags=run.data.tags | {"alidade.dev/installation": "of another cluster"},
    )

    mortal.kill()
    scene.delete(JOB, "a")
    scene.until_gone(BATCH_JOB, "a")
    mortal.start()

    scene.until("b", "Waiting", "DependencyNotFound")
    eventually(lambda: tracking.client.get_run(run.info.run_id).info.status == "KILLED")
    tags = tracking.client.get_run(run.info.run_id).data.tags
    assert tags["alidade.dev/reason"] == "Deleted"
    assert tracking.client.get_run(foreign.info.run_id).info.status == "RUNNING"


def test_a_run_is_ended_whose_experiment_was_deleted_too_while_no_operator_looked(
    mortal: Operator, scene: Scene, tracking: TrackingServer
) -> None:
    scene.let("a", [running()])
    scene.apply(job("a"))
    scene.until("a", "Started")
    run_id = scene.run("a").info.run_id

    mortal.kill()
    scene.delete(EXPERIMENT, "bench")
    scene.delete(JOB, "a")
    scene.until_gone(BATCH_JOB, "a")
    mortal.start()

    eventually(lambda: tracking.client.get_run(run_id).info.status == "KILLED")


def test_a_job_that_ended_while_no_operator_looked_ends_as_its_pod_did(
    mortal: Operator, scene: Scene
) -> None:
    scene.let("good", [running()])
    scene.let("bad", [running()])
    scene.apply(job("good"), job("bad"), job("b", "good"))
    scene.until_states({"good": "Started", "bad": "Started"})

    mortal.kill()
    scene.let("good", [running(), succeeded({"version": "3"})])
    scene.let("bad", [running(), failed(1, "no luck")])
    scene.kubectl("wait", "--for=condition=Complete", "job.batch/good", "--timeout=60s")
    scene.kubectl("wait", "--for=condition=Failed", "job.batch/bad", "--timeout=60s")
    mortal.start()

    scene.until_states({"good": "Finished", "bad": "Failed", "b": "Finished"})
    assert scene.status("good")["outputs"] == {"version": "3"}
    assert scene.status("bad")["message"] == "failed: exit code 1: no luck"


def test_without_mlflow_jobs_end_and_others_wait_and_nothing_is_lacking_when_it_is_back(
    mortal: Operator, diamond: Scene, new_scene: NewScene, tracking: TrackingServer
) -> None:
    earlier = new_scene()
    for name in ("ends", "goes"):
        earlier.let(name, [running()])
    earlier.apply(queue(), experiment(), job("ends"), job("goes"))
    earlier.until_states({"ends": "Started", "goes": "Started"})
    deleted_run = earlier.run("goes").info.run_id
    diamond.until_registered("bench")

    tracking.kill()
    try:
        diamond.apply(*DIAMOND)
        earlier.apply(experiment("late"), job("newcomer", experiment="late"))
        for scene, name in ((diamond, "train"), (diamond, "bad"), (earlier, "newcomer")):
            status = scene.until(name, "Queued", "TrackingUnavailable")
            assert status["message"].startswith("MLflow unreachable since ")
            assert not scene.pods(name)
        diamond.until("defend", "Waiting", "DependencyPending")
        earlier.let("ends", [running(), failed(1, "no luck")])
        earlier.delete(JOB, "goes")
        earlier.until("ends", "Failed")
        eventually(lambda: tracked(earlier, "ends").get("reason") == "TrackingUnavailable")
        assert tracked(earlier, "ends")["status"] == "False"
        assert mortal.read("/readyz") == "ok\n"
    finally:
        tracking.start()
        tracking.wait_until_ready()

    earlier.until_tracked("ends")
    assert earlier.run("ends").info.status == "FAILED"
    eventually(lambda: tracking.client.get_run(deleted_run).info.status == "KILLED")
    earlier.until("newcomer", "Finished")
    diamond.until_states(ENDS)
    assert_all_ended_once(diamond)


def test_an_mlflow_that_has_lost_its_database_gets_the_experiment_anew(
    mortal: Operator, new_scene: NewScene, tracking: TrackingServer
) -> None:
    scene = new_scene()
    scene.apply(queue(), experiment(), job("before"))
    scene.until("before", "Finished")
    scene.until_tracked("before")

    tracking.kill()
    try:
        scene.apply(job("after"))
        scene.until("after", "Queued", "TrackingUnavailable")
        tracking.lose_everything()
    finally:
        tracking.start()
        tracking.wait_until_ready()

    scene.until("after", "Finished")
    scene.until_tracked("after")
    run = scene.run("after")
    assert run.info.status == "FINISHED"
    found = tracking.client.get_experiment(run.info.experiment_id)
    assert found.name == f"{scene.namespace}/bench"
    status = scene.status("bench", EXPERIMENT)
    assert status["mlflowExperimentId"] == run.info.experiment_id
    (ready,) = (c for c in status["conditions"] if c["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("True", "RegisteredAgain")
    assert mortal.read("/readyz") == "ok\n"


def tracked(scene: Scene, name: str) -> Body:
    conditions: list[Body] = scene.status(name)["conditions"]
    return next((c for c in conditions if c["type"] == "Tracked"), {})
