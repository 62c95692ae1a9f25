"""A quota on batch/v1 Jobs: what waits, and what has ended, never holds what could run."""

import pytest

from tests.integration.scene import BATCH_JOB, JOB, Scene
from tests.integration.test_obstacles import quota
from tests.support.kubelet import running, succeeded
from tests.support.manifests import job, queue
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("operator")

RUNS_ON = [running()]
RUNS_OUT = [running(), succeeded()]


def allow(scene: Scene, jobs: int) -> None:
    scene.apply(quota(jobs))
    wanted = f"--for=jsonpath={{.status.hard.count/jobs\\.batch}}={jobs}"
    scene.kubectl("wait", wanted, "resourcequota/few")


def test_one_that_waits_yields_to_the_one_that_it_waits_for(scene: Scene) -> None:
    """Applied in the order in which the first takes the only place there is."""
    allow(scene, 1)
    scene.apply(job("after", "before"))
    eventually(lambda: scene.get(BATCH_JOB, "after"))

    scene.apply(job("before"))

    scene.until_states({"before": "Finished", "after": "Finished"})


def test_those_that_ended_yield_once_nothing_is_to_be_read_from_them(scene: Scene) -> None:
    allow(scene, 1)
    names = ("a", "b", "c")
    scene.apply(*map(job, names))
    scene.until_states(dict.fromkeys(names, "Finished"))
    for name in names:
        scene.until_tracked(name)
        assert scene.run(name).info.status == "FINISHED"


def test_one_that_runs_never_yields_and_the_refused_one_says_why(scene: Scene) -> None:
    scene.let("a", RUNS_ON)
    allow(scene, 1)
    scene.apply(job("a"))
    scene.until("a", "Started")
    uid = scene.get(BATCH_JOB, "a")["metadata"]["uid"]
    scene.apply(job("b"))
    message = scene.until("b", "Waiting", "BackingJobRejected")["message"]
    assert "exceeded quota: few, requested: count/jobs.batch=1" in message
    assert scene.get(BATCH_JOB, "a")["metadata"]["uid"] == uid

    scene.let("a", RUNS_OUT)
    scene.until_states({"a": "Finished", "b": "Finished"})


def test_the_last_in_line_yields_first_and_is_not_made_again_meanwhile(scene: Scene) -> None:
    scene.apply(queue("held", stopPolicy="Hold"))
    allow(scene, 2)
    scene.apply(job("first", queue="held", priority=1), job("last", queue="held"))
    eventually(
        lambda: {"first", "last"} == {b["metadata"]["name"] for b in scene.all_of(BATCH_JOB)}
    )
    scene.let("runs", RUNS_ON)

    scene.apply(job("runs"))

    scene.until("runs", "Started")
    assert scene.exists(BATCH_JOB, "first")
    assert not scene.exists(BATCH_JOB, "last")
    # It waits as before, and nothing that it needs was refused.
    assert scene.until("last", "Queued", "QueueHeld")
    scene.patch(("alidade.dev/v1alpha1", "Queue"), "held", {"stopPolicy": "None"})
    scene.until("first", "Finished")
    scene.until("last", "Finished")
    scene.let("runs", RUNS_OUT)
    scene.until("runs", "Finished")


def test_a_job_that_is_free_to_run_is_created_running(scene: Scene) -> None:
    since = scene.version(BATCH_JOB)
    scene.apply(job("a"), job("b", "a", suspend=True))
    scene.until("a", "Finished")
    scene.until("b", "Queued", "Suspended")
    versions = scene.history(BATCH_JOB, since)
    suspended = {
        name: [v["spec"]["suspend"] for v in versions if v["metadata"]["name"] == name]
        for name in ("a", "b")
    }
    assert set(suspended["a"]) == {False}
    assert set(suspended["b"]) == {True}
    scene.patch(JOB, "b", {"suspend": False})
    scene.until("b", "Finished")
