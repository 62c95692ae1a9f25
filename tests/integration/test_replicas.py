"""A job of several replicas: what its pods are told, and what is told of them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.scene import BATCH_JOB, JOB, SERVICE, Scene
from tests.support.kubelet import failed, oom_killed, running, succeeded, waiting
from tests.support.manifests import Body, job, queue
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("operator")

PEER_LOST = failed(75, "another replica is gone")


def variables(pod: Body) -> dict[str, Any]:
    return {v["name"]: v for v in pod["spec"]["containers"][0]["env"]}


def by_index(scene: Scene, name: str) -> Iterator[Body]:
    label = "batch.kubernetes.io/job-completion-index"
    yield from sorted(scene.pods(name), key=lambda pod: int(pod["metadata"]["labels"][label]))


def test_all_replicas_run_at_once_and_end_as_one_job_with_one_run(scene: Scene) -> None:
    for index in range(3):
        scene.let(f"a-{index}", [running()])
    scene.apply(job("a", replicas=3))
    eventually(lambda: scene.status("a").get("message") == "3 of 3 pods run")
    assert scene.get(BATCH_JOB, "a")["spec"]["completionMode"] == "Indexed"

    for index in range(3):
        scene.let(f"a-{index}", [running(), succeeded({"from": str(index)})])

    status = scene.until("a", "Finished")
    assert status["message"] == "all 3 pods ended well"
    assert status["outputs"] == {"from": "0"}
    assert len(scene.pods("a")) == 3
    scene.until_tracked("a")
    run = scene.run("a")
    assert run.info.status == "FINISHED"
    assert run.data.tags["alidade.dev/attempts"] == "1"


def test_each_pod_has_the_host_name_by_which_the_others_know_it(scene: Scene) -> None:
    scene.apply(job("a", replicas=2))
    scene.until("a", "Finished")
    for index, pod in enumerate(by_index(scene, "a")):
        assert pod["spec"]["hostname"] == f"a-{index}"
        assert pod["spec"]["subdomain"] == "a"
        source = variables(pod)["JOB_COMPLETION_INDEX"]["valueFrom"]["fieldRef"]["fieldPath"]
        assert pod["metadata"]["annotations"][source.split("'")[1]] == str(index)
        told = variables(pod)["TF_CONFIG"]["value"]
        config = json.loads(told.replace("$(JOB_COMPLETION_INDEX)", str(index)))
        assert config["task"] == {"type": "worker", "index": index}
        where = f"{pod['spec']['hostname']}.{pod['spec']['subdomain']}:2222"
        assert config["cluster"]["worker"][index] == where


def test_its_service_is_headless_and_goes_with_the_job(scene: Scene) -> None:
    scene.apply(job("a", replicas=2))
    scene.until("a", "Finished")
    service = scene.get(SERVICE, "a")
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    (owner,) = service["metadata"]["ownerReferences"]
    assert owner["uid"] == scene.get(JOB, "a")["metadata"]["uid"]
    scene.delete(JOB, "a")
    scene.until_gone(SERVICE, "a")


def test_a_service_of_that_name_is_in_the_way_until_it_is_gone(scene: Scene) -> None:
    ports = [{"port": 80}]
    scene.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": ports}}
    )
    scene.apply(job("a", replicas=2), job("b"))
    status = scene.until("a", "Waiting", "NameConflict")
    assert "a Service 'a' exists that belongs to nobody" in status["message"]
    scene.until("b", "Finished")
    scene.delete(SERVICE, "a")
    scene.until("a", "Finished")


def test_the_replica_that_failed_first_is_the_cause(scene: Scene) -> None:
    scene.let("a-0", [running()])
    scene.let("a-1", [running(), oom_killed()])
    scene.apply(job("a", replicas=2), job("b", "a"))
    status = scene.until("a", "Failed", "OOMKilled")
    assert status["rootCause"]["exitCode"] == 137
    assert status["message"] == "failed: OOMKilled, exit code 137 (SIGKILL) (replica 1)"
    assert "OOMKilled" in scene.until("b", "Skipped")["message"]
    eventually(lambda: all(p["metadata"]["name"].startswith("a-1") for p in scene.pods("a")))
    scene.until_tracked("a")
    assert scene.run("a").info.status == "FAILED"


def test_a_replica_that_loses_its_peer_is_tried_again_with_it(scene: Scene) -> None:
    scene.let("a-0", [running(), PEER_LOST], [running(), succeeded()])
    scene.let("a-1", [running(), failed(3)], [running(), succeeded()])
    scene.apply(job("a", replicas=2, backoffLimit=1))
    scene.until("a", "Finished")
    assert len(scene.pods("a")) == 4
    scene.until_tracked("a")
    assert scene.run("a").data.tags["alidade.dev/attempts"] == "2"


def test_one_replica_that_cannot_start_ends_the_job_though_the_other_runs(scene: Scene) -> None:
    scene.let("a-0", [running()])
    scene.let("a-1", [waiting("ImagePullBackOff", "not found")])
    scene.apply(queue("hasty", startDeadlineSeconds=3), job("a", replicas=2, queue="hasty"))
    assert "for 3 s" in scene.until("a", "Failed", "ImagePullBackOff")["message"]
    eventually(lambda: not scene.pods("a"))


def test_a_job_whose_queue_changes_while_it_waits_is_made_anew_and_has_its_service(
    scene: Scene,
) -> None:
    scene.apply(queue("held", stopPolicy="Hold"), job("a", replicas=2, queue="held"))
    scene.until("a", "Queued", "QueueHeld")
    before = eventually(lambda: scene.get(BATCH_JOB, "a"))["metadata"]["uid"]
    scene.apply(queue("held", stopPolicy="None", resources={"requests": {"cpu": "10m"}}))
    scene.until("a", "Finished")
    assert scene.get(BATCH_JOB, "a")["metadata"]["uid"] != before
    # It goes with the job, and not with a batch/v1 Job that may be made anew; none is made for one
    # that waits, so that there is no earlier one that it could be compared with.
    (owner,) = scene.get(SERVICE, "a")["metadata"]["ownerReferences"]
    assert owner["uid"] == scene.get(JOB, "a")["metadata"]["uid"]
