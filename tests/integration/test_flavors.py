"""A queue of several pools of nodes: what finds no node in one is tried in the next."""

import pytest

from tests.integration.scene import BATCH_JOB, JOB, Scene
from tests.support.kubelet import running, succeeded
from tests.support.manifests import Body, experiment, job, queue
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("operator")

DEVICES = {"requests": {"nvidia.com/gpu": "1"}, "limits": {"nvidia.com/gpu": "1"}}
GPU = {"name": "gpu", "resources": DEVICES, "fallbackAfterSeconds": 2}
CPU = {"name": "cpu"}


def flavor(scene: Scene, name: str) -> str:
    found: Body = eventually(lambda: scene.get(BATCH_JOB, name))
    told: str = found["metadata"]["labels"]["alidade.dev/flavor"]
    return told


def test_a_job_that_finds_no_node_in_time_is_tried_in_the_next_flavor(empty_scene: Scene) -> None:
    scene = empty_scene
    since = scene.version(JOB)
    scene.apply(queue(flavors=[GPU, CPU], maxRunning=1), experiment(), job("a"), job("b"))

    scene.until_states({"a": "Finished", "b": "Finished"})
    versions = [v for v in scene.history(JOB, since) if v["metadata"]["name"] == "a"]
    waits = [v["status"] for v in versions if v.get("status", {}).get("flavor") == "gpu"]
    assert any(
        (status["state"], status["reason"]) == ("Queued", "Unschedulable")
        and "Insufficient nvidia.com/gpu" in status["message"]
        for status in waits
    )
    for name in ("a", "b"):
        assert scene.status(name)["flavor"] == flavor(scene, name) == "cpu"
        assert len(scene.pods(name)) == 1
        assert scene.run(name).info.status
    told = "no pod placed in flavor gpu for 2 s; tries flavor cpu"
    eventually(lambda: told in scene.kubectl("events", "--for", "jobs.alidade.dev/a"))


def test_a_job_that_finds_a_node_stays_in_the_first_flavor(empty_scene: Scene) -> None:
    scene = empty_scene
    scene.let("a", [running(), succeeded()])
    scene.apply(queue(flavors=[CPU, GPU]), experiment(), job("a"))

    assert scene.until("a", "Finished")["flavor"] == "cpu"


def test_in_the_last_flavor_a_job_waits(empty_scene: Scene) -> None:
    scene = empty_scene
    scene.apply(queue(flavors=[GPU, GPU | {"name": "other"}]), experiment(), job("a"))

    eventually(lambda: scene.status("a").get("flavor") == "other")
    waits = scene.until("a", "Queued", "Unschedulable")
    assert waits["flavor"] == "other"
