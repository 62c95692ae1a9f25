"""What keeps a job from running, said in the words of who keeps it, and what heals it."""

import json
from collections.abc import Iterator

import pytest

from tests.integration.conftest import NewScene
from tests.integration.scene import BATCH_JOB, EXPERIMENT, JOB, Scene
from tests.support.control_plane import ControlPlane, node
from tests.support.kubelet import running, waiting
from tests.support.manifests import Body, experiment, job, queue
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("operator")

# Python's parser ends at some thousand levels, the API server's at ten thousand.
DEEPER_THAN_IS_READ = 3000
QUOTA = ("v1", "ResourceQuota")
REGISTRY = "failed to resolve reference: localhost/workflow:1: not found"


@pytest.fixture
def late_node(plane: ControlPlane) -> Iterator[Body]:
    """A node of a pool of its own, which the test adds."""
    late = node("late-0", "late")
    yield late
    plane.kubectl("delete", "node", "late-0")


def foreign_batch_job(name: str) -> Body:
    container = {"name": "main", "image": "localhost/other:1"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"suspend": True, "template": template},
    }


def quota(jobs: int) -> Body:
    return few(**{"count/jobs.batch": jobs})


def few(**hard: int) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "few"},
        "spec": {"hard": {what: str(limit) for what, limit in hard.items()}},
    }


def test_an_experiment_and_a_queue_may_come_after_the_job(empty_scene: Scene) -> None:
    scene = empty_scene
    scene.apply(job("a"))
    status = scene.until("a", "Waiting", "ExperimentNotFound")
    assert status["message"] == "no experiment 'bench' in this namespace (yet)"

    scene.apply(experiment())
    status = scene.until("a", "Waiting", "QueueNotFound")
    assert status["message"] == "no queue 'cpu' in this namespace (yet)"
    assert not scene.exists(BATCH_JOB, "a")

    scene.apply(queue())
    scene.until("a", "Finished")


def test_a_job_without_queue_or_image_says_where_to_name_them(empty_scene: Scene) -> None:
    scene = empty_scene
    scene.apply(queue(), experiment(queue=None, workflow=None), job("a"))
    status = scene.until("a", "Waiting", "QueueNotFound")
    assert status["message"] == "neither spec.queue nor the experiment's spec.queue names a queue"

    scene.patch(EXPERIMENT, "bench", {"queue": "cpu"})
    status = scene.until("a", "Waiting", "ImageNotSet")
    assert status["message"] == (
        "neither spec.image nor the experiment's spec.workflow.image names an image, and the "
        "operator has no default (the chart's images.worker)"
    )

    scene.patch(EXPERIMENT, "bench", {"workflow": {"image": "localhost/workflow:2"}})
    scene.until("a", "Finished")
    assert scene.pods("a")[0]["spec"]["containers"][0]["image"] == "localhost/workflow:2"


def test_a_batch_job_refused_for_its_name_or_a_quota_is_made_once_that_is_out_of_the_way(
    new_scene: NewScene,
) -> None:
    taken, full = new_scene(), new_scene()
    taken.apply(foreign_batch_job("a"), queue(), experiment(), job("a"))
    full.apply(quota(0), queue(), experiment())
    full.kubectl("wait", "--for=jsonpath={.status.hard}", "resourcequota/few")
    full.apply(job("a"))

    assert taken.until("a", "Waiting", "NameConflict")["message"] == (
        "a batch/v1 Job 'a' exists that belongs to nobody; "
        "delete that one, or give this job another name"
    )
    message = full.until("a", "Waiting", "BackingJobRejected")["message"]
    assert "batch/v1 Job refused: " in message
    assert "exceeded quota: few, requested: count/jobs.batch=1" in message
    foreign = taken.get(BATCH_JOB, "a")
    taken.delete(BATCH_JOB, "a")
    full.apply(quota(1))

    taken.until("a", "Finished")
    full.until("a", "Finished")
    assert taken.get(BATCH_JOB, "a")["metadata"]["uid"] != foreign["metadata"]["uid"]


def test_another_ones_batch_job_is_let_be_when_the_job_is_cancelled_or_deleted(
    scene: Scene,
) -> None:
    scene.apply(foreign_batch_job("a"), job("a"))
    scene.until("a", "Waiting", "NameConflict")

    scene.patch(JOB, "a", {"cancel": True})
    scene.until("a", "Cancelled")
    scene.delete(JOB, "a")
    scene.apply(job("b"))
    scene.until("b", "Finished")

    assert scene.exists(BATCH_JOB, "a")


@pytest.mark.parametrize(
    ("spec", "where"),
    [
        ({"podTemplate": {"spec": {"restartPolicy": "Always"}}}, "restartPolicy"),
        ({"podTemplate": {"spec": {"containers": [{"image": "side:1"}]}}}, "containers[1].name"),
        ({"podTemplate": {"spec": {"containers": ["side"]}}}, "containers"),
        ({"podTemplate": {"spec": {"tolerations": "all"}}}, "tolerations"),
        ({"podFailurePolicy": {"rules": [{"action": "Explode"}]}}, "podFailurePolicy.rules[0]"),
    ],
    ids=str,
)
def test_what_no_batch_job_can_have_fails_the_job_in_the_words_of_the_api_server(
    scene: Scene, spec: Body, where: str
) -> None:
    scene.apply(job("a", **spec))

    message = scene.until("a", "Failed", "BackingJobInvalid")["message"]
    assert message.startswith("failed: batch/v1 Job refused: ")
    assert where in message


def test_a_pod_that_cannot_start_ends_its_job_after_the_start_deadline(scene: Scene) -> None:
    obstacles = {
        "pull": ("ImagePullBackOff", f'Back-off pulling image "x": ErrImagePull: {REGISTRY}'),
        "name": ("InvalidImageName", "couldn't parse image name"),
        "key": ("CreateContainerConfigError", 'secret "key" not found'),
    }
    for name, (reason, words) in obstacles.items():
        scene.let(name, [waiting(reason, words)])

    since = scene.version(JOB)
    scene.apply(queue(startDeadlineSeconds=5), *map(job, obstacles), job("after", "pull"))

    told = {name: words.split("ErrImagePull: ")[-1] for name, (_, words) in obstacles.items()}
    for name, (reason, _) in obstacles.items():
        status = scene.until(name, "Failed", reason)
        assert any(
            said[:2] == ("Queued", reason) and said[2].endswith(f": {told[name]}")
            for said in scene.said(name, since)
        )
        assert status["message"].startswith(
            f"failed: {reason} for 5 s (queue cpu's startDeadlineSeconds): pod {name}-"
        )
        assert status["message"].endswith(f": {told[name]}")
        assert "startTime" not in status
        scene.until_gone(BATCH_JOB, name)
    assert REGISTRY in scene.until("after", "Skipped")["message"]


def test_an_image_that_is_pulled_at_last_runs(scene: Scene) -> None:
    scene.let("a", [waiting("ErrImagePull", REGISTRY)])
    scene.apply(job("a"))
    # The kubelet alternates between the two reasons; the job keeps to one.
    scene.until("a", "Queued", "ImagePullBackOff")

    scene.let("a", [waiting("ErrImagePull", REGISTRY), running()])

    scene.until("a", "Started", "Running")


def test_a_job_for_which_no_node_has_room_says_why_and_runs_once_one_has(
    scene: Scene, plane: ControlPlane, late_node: Body
) -> None:
    scene.apply(
        queue("late", nodeSelector={"alidade.dev/pool": "late"}, startDeadlineSeconds=1),
        job("a", queue="late"),
    )

    message = scene.until("a", "Queued", "Unschedulable")["message"]
    assert message.startswith("pod a-")
    assert "node(s) didn't match Pod's node affinity/selector" in message

    plane.apply(late_node)
    scene.until("a", "Finished")
    assert scene.pods("a")[0]["spec"]["nodeName"] == "late-0"


def test_a_job_whose_pods_are_refused_says_why_and_runs_once_they_are_not(scene: Scene) -> None:
    scene.apply(few(pods=0))
    eventually(lambda: scene.get(QUOTA, "few")["status"].get("hard"))
    scene.apply(job("a"))
    status = scene.until("a", "Queued", "PodRejected")
    assert status["message"].startswith(
        "the API server refuses its pods: exceeded quota: few, requested: pods=1"
    )

    scene.apply(few(pods=1))
    scene.until("a", "Finished")


def test_a_priority_class_that_does_not_exist_is_named(scene: Scene) -> None:
    scene.apply(job("a", priorityClassName="urgent"))
    status = scene.until("a", "Queued", "PodRejected")
    assert status["message"] == (
        "the API server refuses its pods: no PriorityClass with name urgent was found"
    )


def test_a_policy_that_forbids_the_pods_is_named(scene: Scene) -> None:
    scene.kubectl(
        "label", "namespace", scene.namespace, "pod-security.kubernetes.io/enforce=baseline"
    )
    words = 'violates PodSecurity "baseline:latest": host namespaces'
    template = {"spec": {"hostNetwork": True, "containers": []}}
    # Admission takes note of the label in its own time.
    create = ("create", "--dry-run=server", "-f", "-")
    probe = json.dumps(on_the_hosts_network("probe"))
    eventually(lambda: words in scene.kubectl(*create, stdin=probe, check=False))
    scene.apply(job("a", podTemplate=template))
    scene.until("a", "Queued", "PodRejected", says=words)


def on_the_hosts_network(name: str) -> Body:
    container = {"name": "main", "image": "localhost/other:1"}
    spec = {"hostNetwork": True, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def test_a_job_that_cannot_be_read_says_so_with_the_field(scene: Scene) -> None:
    nest = "[" * DEEPER_THAN_IS_READ + "]" * DEEPER_THAN_IS_READ
    manifest = (
        '{"apiVersion": "alidade.dev/v1alpha1", "kind": "Job", "metadata": {"name": "deep"},'
        f' "spec": {{"experiment": "bench", "podTemplate": {{"spec": {{"x": {nest}}}}}}}}}'
    )
    path = f"/apis/alidade.dev/v1alpha1/namespaces/{scene.namespace}/jobs"
    scene.kubectl("create", "--raw", path, "--filename=-", stdin=manifest)
    # Nor could the test read it.
    said = "jsonpath={.status.state} {.status.reason} {.status.message}"
    words = "Waiting Unreadable cannot be read: spec.podTemplate: has more levels than can be read"
    eventually(lambda: scene.kubectl("get", "ajob/deep", "--output", said) == words)
