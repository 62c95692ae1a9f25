"""Queues whose jobs Kueue admits: the real Kueue, on a control plane of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import copy

import pytest
import yaml
from kubernetes.dynamic import DynamicClient

from tests.integration.bench import CRDS, NewOperator, connected, operators
from tests.integration.scene import BATCH_JOB, JOB, QUEUE, Body, Scene
from tests.integration.test_obstacles import quota as job_quota
from tests.support.control_plane import ControlPlane, node
from tests.support.kubelet import Kubelet, running, succeeded
from tests.support.kueue import API, Kueue, flavor, quota
from tests.support.manifests import POOL, experiment, job, queue
from tests.support.polling import eventually
from tests.support.process import Server, answers
from tests.support.tracking import TrackingServer

pytestmark = pytest.mark.usefixtures("operator")

WORKLOAD = (API, "Workload")
LABEL = "kueue.x-k8s.io/queue-name"
RUNS_ON = [running()]
RUNS_OUT = [running(), succeeded()]
ONE = {"requests": {"cpu": "1"}}
PRIORITIES = {"low": 1, "high": 1000}


@pytest.fixture(scope="module")
def plane(
    tmp_path_factory: pytest.TempPathFactory, tracking: TrackingServer
) -> Iterator[ControlPlane]:
    folder = tmp_path_factory.mktemp("kueue")
    definitions = folder / "definitions"
    definitions.mkdir()
    for definition in CRDS.iterdir():
        copy(definition, definitions)
    kueue = Kueue(folder / "kueue")
    (definitions / "kueue.yaml").write_text(yaml.safe_dump_all(kueue.definitions()))
    with ControlPlane(folder / "plane", definitions) as found, _running(kueue, found):
        found.apply(
            node("cpu-0", "cpu"),
            flavor("any", **POOL),
            *map(_priority_class, PRIORITIES),
        )
        tracking.wait_until_ready()
        yield found


@contextmanager
def _running(kueue: Kueue, plane: ControlPlane) -> Iterator[None]:
    plane.apply(*kueue.prerequisites())
    server = Server(
        [str(kueue.program), *kueue.arguments],
        plane.folder / "kueue.log",
        os.environ | {"KUBECONFIG": str(plane.kubeconfig)},
    )
    server.start()
    try:
        server.wait_until(lambda: answers(f"http://127.0.0.1:{kueue.probes}/readyz"))
        yield
    finally:
        server.kill()


@pytest.fixture(scope="module")
def kubelet(plane: ControlPlane) -> Iterator[Kubelet]:
    with Kubelet(plane.kubeconfig) as kubelet:
        yield kubelet


@pytest.fixture(scope="module")
def api(plane: ControlPlane) -> Iterator[DynamicClient]:
    with connected(plane) as connection:
        yield connection


@pytest.fixture(scope="module")
def new_operator(
    plane: ControlPlane, tracking: TrackingServer, tmp_path_factory: pytest.TempPathFactory
) -> NewOperator:
    return operators(plane, tracking, tmp_path_factory.mktemp("operators"))


@pytest.fixture
def scene(empty_scene: Scene) -> Scene:
    """A namespace whose LocalQueue `team` may use one CPU."""
    have_quota(empty_scene, "team")
    empty_scene.apply(queue(kueueLocalQueue="team", resources=ONE, nodeSelector={}), experiment())
    return empty_scene


def have_quota(scene: Scene, local_queue: str, cpus: int = 1) -> None:
    """Make a LocalQueue with a ClusterQueue of its own."""
    name = f"{scene.namespace}-{local_queue}"
    scene.apply(*quota(local_queue, name, "any", cpu=cpus))


def _priority_class(name: str) -> Body:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": PRIORITIES[name],
        "preemptionPolicy": "Never",
    }


def label(scene: Scene, name: str) -> str | None:
    """Return the LocalQueue that a job's batch/v1 Job is handed over to."""
    labels: dict[str, str] = eventually(lambda: scene.get(BATCH_JOB, name))["metadata"]["labels"]
    return labels.get(LABEL)


def until_told(scene: Scene, name: str, words: str) -> None:
    """Wait until a job's message has these words."""
    eventually(lambda: words in scene.status(name).get("message", ""))


def hold_the_quota(scene: Scene, name: str = "first", **spec: str) -> None:
    """Have a job run on."""
    scene.let(name, RUNS_ON)
    scene.apply(job(name, **spec))
    scene.until(name, "Started")


def test_a_job_waits_until_kueue_admits_it(scene: Scene) -> None:
    hold_the_quota(scene)
    scene.apply(job("second"))

    until_told(scene, "second", "insufficient unused quota for cpu")
    waits = scene.until("second", "Queued", "KueuePending")
    assert waits["message"].startswith("waits for Kueue, LocalQueue team: ")
    assert not scene.pods("second")
    eventually(lambda: counts(scene) == {"queued": 1, "running": 1})

    scene.let("first", RUNS_OUT)
    scene.until_states({"first": "Finished", "second": "Finished"})
    assert scene.run("second").info.run_id == scene.status("second")["mlflowRunId"]
    eventually(lambda: counts(scene) == {"queued": 0, "running": 0})


def counts(scene: Scene) -> Body:
    status = scene.status("cpu", QUEUE)
    return {name: status.get(name) for name in ("queued", "running")}


def test_kueue_does_not_see_a_job_before_its_dependencies_hold(scene: Scene) -> None:
    have_quota(scene, "wide", cpus=8)
    scene.patch(QUEUE, "cpu", {"kueueLocalQueue": "wide"})
    hold_the_quota(scene, "parent")
    scene.apply(job("child", "parent"))

    scene.until("child", "Waiting", "DependencyPending")
    assert label(scene, "parent") == "wide"
    eventually(lambda: label(scene, "child") is None)
    assert len(scene.all_of(WORKLOAD)) == 1

    scene.let("parent", RUNS_OUT)
    scene.until("child", "Finished")


def test_a_job_that_kueue_preempts_goes_on_later_as_the_same_run(scene: Scene) -> None:
    parameters = [{"name": "eps", "value": "0.1"}]
    scene.let("humble", RUNS_ON)
    scene.apply(job("humble", priorityClassName="low", parameters=parameters))
    scene.until("humble", "Started")

    hold_the_quota(scene, "urgent", priorityClassName="high")
    scene.until("humble", "Queued", "KueuePending")
    until_told(scene, "humble", "evicted (Preempted); ")
    eventually(lambda: not scene.pods("humble"))
    scene.let("humble", RUNS_OUT)
    scene.let("urgent", RUNS_OUT)

    scene.until_states({"humble": "Finished", "urgent": "Finished"})
    (pod,) = scene.pods("humble")
    run = scene.run("humble")
    told = pod["metadata"]["annotations"]
    assert told["alidade.dev/mlflow-run-id"] == run.info.run_id
    assert told["alidade.dev/parameters"] == '{"eps": "0.1"}'
    assert pod["spec"]["nodeSelector"] == {"alidade.dev/pool": "cpu"}
    scene.until_tracked("humble")
    assert scene.run("humble").info.status == "FINISHED"


@pytest.mark.parametrize("started", [True, False], ids=["running", "pending"])
def test_a_suspended_job_gives_its_quota_to_others_and_comes_back(
    scene: Scene, started: bool
) -> None:
    hold_the_quota(scene, "a" if started else "other")
    if not started:
        scene.apply(job("a"))
        scene.until("a", "Queued", "KueuePending")

    scene.patch(JOB, "a", {"suspend": True})
    scene.until("a", "Queued", "Suspended")
    eventually(lambda: label(scene, "a") is None)
    if not started:
        scene.let("other", RUNS_OUT)
        scene.until("other", "Finished")
    scene.apply(job("b"))
    scene.until("b", "Finished")
    assert scene.until("a", "Queued", "Suspended")
    assert not scene.pods("a")

    scene.let("a", RUNS_OUT)
    scene.patch(JOB, "a", {"suspend": False})
    scene.until("a", "Finished")
    assert scene.run("a").info.run_id == scene.status("a")["mlflowRunId"]


def test_a_held_queue_takes_back_what_kueue_has_not_admitted(scene: Scene) -> None:
    hold_the_quota(scene)
    scene.apply(job("second"))
    scene.until("second", "Queued", "KueuePending")

    scene.patch(QUEUE, "cpu", {"stopPolicy": "Hold"})
    scene.until("second", "Queued", "QueueHeld")
    eventually(lambda: label(scene, "second") is None)
    scene.let("first", RUNS_OUT)
    scene.until("first", "Finished")
    assert scene.states()["second"] == "Queued"

    scene.patch(QUEUE, "cpu", {"stopPolicy": "None"})
    scene.until("second", "Finished")


def test_a_job_that_waits_for_kueue_can_be_cancelled(scene: Scene) -> None:
    hold_the_quota(scene)
    scene.apply(job("second"))
    scene.until("second", "Queued", "KueuePending")

    scene.patch(JOB, "second", {"cancel": True})
    scene.until("second", "Cancelled")
    scene.until_gone(BATCH_JOB, "second")
    eventually(lambda: len(scene.all_of(WORKLOAD)) == 1)
    scene.until_tracked("second")
    assert scene.run("second").info.status == "KILLED"


def test_a_local_queue_that_does_not_exist_is_named_and_can_be_corrected(scene: Scene) -> None:
    scene.patch(QUEUE, "cpu", {"kueueLocalQueue": "teem"})
    scene.apply(job("a"))
    until_told(scene, "a", "LocalQueue teem doesn't exist")

    scene.patch(QUEUE, "cpu", {"kueueLocalQueue": "team"})
    scene.until("a", "Finished")


def test_a_job_that_waits_for_kueue_yields_to_one_that_a_quota_on_jobs_refuses(
    scene: Scene,
) -> None:
    hold_the_quota(scene)
    scene.apply(queue("ours", nodeSelector={}), job_quota(2))
    scene.apply(job("second"))
    until_told(scene, "second", "insufficient unused quota for cpu")
    since = scene.version(BATCH_JOB)

    scene.let("ours", RUNS_ON)
    scene.apply(job("ours", queue="ours"))
    scene.until("ours", "Started")
    scene.until("second", "Waiting", "BackingJobRejected", says="exceeded quota: few")
    assert scene.states()["first"] == "Started"

    scene.delete(JOB, "ours")
    until_told(scene, "second", "insufficient unused quota for cpu")
    scene.let("first", RUNS_OUT)
    scene.until_states({"first": "Finished", "second": "Finished"})
    made = {
        v["metadata"]["uid"]
        for v in scene.history(BATCH_JOB, since)
        if v["metadata"]["name"] == "second"
    }
    assert len(made) == 2


def test_a_queue_for_nodes_that_kueue_has_no_flavor_of_says_so(scene: Scene) -> None:
    elsewhere = {"alidade.dev/pool": "gpu"}
    scene.apply(queue(kueueLocalQueue="team", resources=ONE, nodeSelector=elsewhere), job("a"))
    until_told(scene, "a", "doesn't match node affinity")
    scene.until("a", "Queued", "KueuePending")


def test_a_default_local_queue_gets_no_job_before_its_turn(scene: Scene) -> None:
    have_quota(scene, "default", cpus=8)
    scene.apply(queue(resources=ONE))
    since = scene.version(BATCH_JOB)
    scene.apply(job("a", "never"))

    waits = scene.until("a", "Waiting", "KueueDefaultQueue")
    assert "LocalQueue 'default'" in waits["message"]
    scene.until_gone(BATCH_JOB, "a")
    versions = scene.history(BATCH_JOB, since)
    assert len({v["metadata"]["uid"] for v in versions}) == 1
    assert not scene.pods("a")

    scene.kubectl("delete", "localqueue", "default")
    scene.until("a", "Waiting", "DependencyNotFound")


def test_a_new_operator_leaves_jobs_with_kueue(scene: Scene, new_operator: NewOperator) -> None:
    hold_the_quota(scene)
    scene.apply(job("second"))
    scene.until("second", "Queued", "KueuePending")
    uid = eventually(lambda: scene.get(BATCH_JOB, "second"))["metadata"]["uid"]
    since = scene.version(BATCH_JOB)

    # Without a Lease both work at a time, which is worse than one after the other.
    with new_operator():
        scene.let("first", RUNS_OUT)
        scene.until("second", "Finished")
    seen = scene.history(BATCH_JOB, since)
    assert {v["metadata"]["uid"] for v in seen if v["metadata"]["name"] == "second"} == {uid}
    assert len(scene.pods("second")) == 1
