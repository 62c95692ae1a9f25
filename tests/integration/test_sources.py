"""A job runs the code and the data that it was accepted with, whatever its experiment becomes."""

import json
from collections.abc import Iterator

import pytest

from tests.integration.bench import NewOperator
from tests.integration.scene import BATCH_JOB, EXPERIMENT, JOB, Scene
from tests.support.kubelet import failed, not_started, running, succeeded
from tests.support.manifests import IMAGE, Body, experiment, job, queue
from tests.support.operator import Operator
from tests.support.polling import eventually
from tests.support.workflow_sources import (
    ARCHIVE,
    CLAIM,
    COMMIT,
    CONFIG_MAP,
    GIT,
    OTHER_SHA256,
    PATH,
    SHA256,
)

pytestmark = pytest.mark.usefixtures("operator")

WORKER_IMAGE = "registry.example.org/alidade/alidade-worker:7"
COMMAND = ["alidade-workflow-v1"]
ARTIFACT = {"name": "mnist", "artifact": "s3://data/mnist.npz", "sha256": OTHER_SHA256}
UNSUPPORTED = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc "
    "create failed: unable to start container process: error during container init: exec: "
    '"alidade-workflow-v1": executable file not found in $PATH'
)


@pytest.fixture(scope="module")
def operator(new_operator: NewOperator) -> Iterator[Operator]:
    """An operator that has an image for jobs that name none."""
    image = {"worker_image": WORKER_IMAGE, "worker_pull_secrets": "registry"}
    with new_operator(**image) as operator:
        yield operator
        assert "reconcile.crashed" not in operator.log()


def worker(pod: Body) -> Body:
    (container,) = pod["spec"]["containers"]
    return dict(container)


def told(pod: Body) -> dict[str, str]:
    return {v["name"]: v.get("value", "") for v in worker(pod)["env"] if "valueFrom" not in v}


def volumes(pod: Body) -> dict[str, Body]:
    """Return what the container mounts, by where."""
    found = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    return {mount["mountPath"]: found[mount["name"]] for mount in worker(pod)["volumeMounts"]}


SOURCES: dict[str, tuple[Body, dict[str, str], str]] = {
    "archive": (
        ARCHIVE,
        {"ALIDADE_WORKFLOW_URI": ARCHIVE["archive"]["uri"], "ALIDADE_WORKFLOW_SHA256": SHA256},
        "sha256",
    ),
    "git": (
        GIT,
        {"ALIDADE_WORKFLOW_URI": f"git+https://git.example.org/team/attacks.git@{COMMIT}"},
        "commit",
    ),
    "config-map": (
        CONFIG_MAP,
        {
            "ALIDADE_WORKFLOW_URI": "file:///etc/alidade/workflow/workflow.zip",
            "ALIDADE_WORKFLOW_SHA256": SHA256,
        },
        "sha256",
    ),
}


def test_the_pod_of_each_kind_of_source_is_told_where_its_code_is(empty_scene: Scene) -> None:
    scene = empty_scene
    scene.apply(queue(), experiment(workflow=None))
    for name, (source, _, _) in SOURCES.items():
        scene.apply(job(name, workflow={"source": source, "path": "attacks"}))
    for name, (source, variables, digest) in SOURCES.items():
        status = scene.until(name, "Finished")
        assert status["workflow"] == {
            "source": source,
            "path": "attacks",
            digest: COMMIT if digest == "commit" else SHA256,
        }
        (pod,) = scene.pods(name)
        assert told(pod).items() >= {**variables, "ALIDADE_WORKFLOW": "attacks"}.items()
        assert worker(pod)["command"] == COMMAND
        assert worker(pod)["image"] == WORKER_IMAGE
        assert pod["spec"]["imagePullSecrets"] == [{"name": "registry"}]
        tags = scene.run(name).data.tags
        if digest == "sha256":
            assert tags["alidade.dev/workflow-sha256"] == SHA256
        else:
            assert tags["mlflow.source.git.commit"] == COMMIT
            assert tags["mlflow.source.git.repoURL"] == GIT["git"]["repository"]
    (git,), (config_map,) = scene.pods("git"), scene.pods("config-map")
    assert volumes(git)["/etc/alidade/git"]["secret"]["secretName"] == "git-login"
    mounted = volumes(config_map)["/etc/alidade/workflow"]["configMap"]
    assert (mounted["name"], mounted["items"]) == (
        "code",
        [{"key": "workflow.zip", "path": "workflow.zip"}],
    )


def test_data_is_told_and_a_claim_that_is_missing_is_named(scene: Scene) -> None:
    scene.patch(EXPERIMENT, "bench", {"datasets": [ARTIFACT, CLAIM]})
    scene.apply(job("a", datasets=[PATH]))
    scene.until("a", "Queued", "Unschedulable", says='persistentvolumeclaim "imagenet-2012"')
    (pod,) = scene.pods("a")
    assert json.loads(told(pod)["ALIDADE_DATASETS"]) == [
        {"name": "mnist", "uri": "s3://data/mnist.npz", "sha256": OTHER_SHA256},
        {"name": "imagenet"},
        {"name": "labels", "path": "/usr/share/labels"},
    ]
    assert "emptyDir" in volumes(pod)["/data"]
    claim = volumes(pod)["/data/imagenet"]["persistentVolumeClaim"]
    assert claim["claimName"] == "imagenet-2012"
    assert scene.status("a")["datasets"] == [ARTIFACT, CLAIM, PATH]
    tags = scene.run("a").data.tags
    assert tags["alidade.dev/dataset.imagenet"] == "imagenet-2012"
    assert tags["alidade.dev/dataset.mnist"] == OTHER_SHA256


def test_an_experiment_that_changes_changes_nothing_for_jobs_that_are_accepted(
    scene: Scene,
) -> None:
    before = {"image": IMAGE, "source": ARCHIVE, "path": "before"}
    scene.patch(EXPERIMENT, "bench", {"workflow": before, "datasets": [PATH]})
    scene.let("first", [running()])
    scene.let("again", [failed(137, reason="OOMKilled")], [succeeded()])
    scene.apply(
        job("first"), job("waits", "first"), job("held", suspend=True), job("again", backoffLimit=1)
    )
    scene.until("first", "Started")
    scene.until("waits", "Waiting", "DependencyPending")
    scene.until("held", "Queued", "Suspended")

    changed = {"image": IMAGE, "source": {**GIT, "archive": None}, "path": None}
    scene.patch(EXPERIMENT, "bench", {"workflow": changed, "datasets": []})
    scene.apply(job("later"))
    scene.until("later", "Finished")
    scene.let("first", [running(), succeeded()])
    scene.patch(JOB, "held", {"suspend": False})

    for name in ("first", "waits", "held", "again"):
        status = scene.until(name, "Finished")
        assert status["workflow"] == {"source": ARCHIVE, "path": "before", "sha256": SHA256}
        assert status["datasets"] == [PATH]
        for pod in scene.pods(name):
            assert told(pod)["ALIDADE_WORKFLOW_URI"] == ARCHIVE["archive"]["uri"]
            assert told(pod)["ALIDADE_WORKFLOW"] == "before"
    (later,) = scene.pods("later")
    assert told(later)["ALIDADE_WORKFLOW_URI"].startswith("git+")
    assert "ALIDADE_DATASETS" not in told(later)


def test_a_job_that_was_accepted_without_a_source_gets_none_later(scene: Scene) -> None:
    scene.apply(job("a", suspend=True))
    scene.until("a", "Queued", "Suspended")
    assert scene.status("a")["workflow"] == {"path": "/workflow"}
    scene.patch(EXPERIMENT, "bench", {"workflow": {"source": GIT}})
    scene.patch(JOB, "a", {"suspend": False})
    scene.until("a", "Finished")
    (pod,) = scene.pods("a")
    assert "ALIDADE_WORKFLOW_URI" not in told(pod)
    assert "command" not in worker(pod)


def test_an_image_that_does_not_know_the_contract_fails_its_job_at_once(scene: Scene) -> None:
    scene.let("a", [not_started(UNSUPPORTED)])
    own = {"name": "worker", "command": ["python", "/own/run.py"], "args": ["--fast"]}
    template = {"spec": {"containers": [own]}}
    scene.apply(
        job("a", image="own:3", workflow={"source": GIT}, podTemplate=template, backoffLimit=5)
    )
    status = scene.until("a", "Failed", "SourceUnsupported")
    assert status["message"] == (
        "failed: image own:3 does not keep to the contract alidade-workflow-v1 (it has no such "
        "program), so it is not run without its workflow's source; make it from the worker's image"
    )
    assert status["rootCause"]["exitCode"] == 128
    (told,) = (c for c in status["conditions"] if c["type"] == "PodTemplateApplied")
    assert (told["status"], told["reason"]) == ("False", "ContractWins")
    assert told["message"].startswith("command and args of podTemplate's container worker have no")
    eventually(lambda: not scene.exists(BATCH_JOB, "a"))


def test_a_source_that_cannot_be_reached_is_a_disruption(scene: Scene) -> None:
    why = {
        "alidade.dev/reason": "SourceUnavailable",
        "alidade.dev/message": "git.example.org does not answer",
    }
    away = [failed(69, json.dumps(why))]
    scene.let("a", away, away, [succeeded()])
    scene.apply(job("a", workflow={"source": GIT}))
    status = scene.until("a", "Finished")
    assert [attempt["fate"] for attempt in status["attempts"]] == ["Failed", "Failed", "Succeeded"]
    first = status["attempts"][0]["message"]
    assert "SourceUnavailable, exit code 69: git.example.org" in first


def test_a_path_that_leads_out_of_the_experiments_source_gets_no_pod(empty_scene: Scene) -> None:
    empty_scene.apply(queue(), experiment(workflow={"source": GIT}))
    empty_scene.apply(job("out", workflow={"path": "/workflow"}), job("waits", "out"))
    status = empty_scene.until("out", "Failed", "WorkflowNotFound", says="spec.workflow.path")
    assert status["rootCause"]["job"] == "out"
    assert not empty_scene.exists(BATCH_JOB, "out")
    empty_scene.until("waits", "Skipped")


def test_a_source_in_mlflow_needs_tracking(empty_scene: Scene) -> None:
    empty_scene.apply(queue(), experiment(tracking="None"))
    empty_scene.apply(job("a", workflow={"source": ARCHIVE}), job("b", workflow={"source": GIT}))
    status = empty_scene.until("a", "Failed", "TrackingRequired")
    assert "runs:/f00/workflow.tgz, is among MLflow's artifacts" in status["message"]
    assert not empty_scene.exists(BATCH_JOB, "a")
    empty_scene.until("b", "Finished")
