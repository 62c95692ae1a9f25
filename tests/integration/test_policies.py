"""Who refuses batch/v1 Jobs, by which codes, and what their jobs are told and do about it."""

import pytest

from tests.integration.policy import policy, webhook
from tests.integration.scene import BATCH_JOB, SERVICE, Scene
from tests.support.control_plane import ControlPlane
from tests.support.manifests import experiment, job, queue
from tests.support.polling import eventually
from tests.support.webhook import Webhook

pytestmark = pytest.mark.usefixtures("operator")

CHARGED = {"cost-centre": "robustness"}


def test_a_policy_without_a_reason_is_told_and_waited_for(
    scene: Scene, plane: ControlPlane
) -> None:
    with policy(scene, plane, expression="false", message="no new jobs during maintenance"):
        scene.apply(job("a"), job("b", "a"))
        status = scene.until("a", "Waiting", "BackingJobRejected")
        assert "batch/v1 Job refused: " in status["message"]
        assert "denied request: no new jobs during maintenance" in status["message"]
        scene.until("b", "Waiting")
    scene.until_states({"a": "Finished", "b": "Finished"})


def test_a_refused_release_is_told_and_its_place_is_free_meanwhile(
    scene: Scene, plane: ControlPlane
) -> None:
    scene.apply(queue(maxRunning=1), job("first", suspend=True))
    eventually(lambda: scene.get(BATCH_JOB, "first"))
    not_first = "object.metadata.name != 'first' || object.spec.suspend"
    probed = f"({not_first}) && object.metadata.name != 'probe'"
    with policy(scene, plane, operation="UPDATE", expression=probed, message="not today"):
        scene.kubectl("patch", "ajob", "first", "--type=merge", '-p={"spec":{"suspend":false}}')
        status = scene.until("first", "Waiting", "BackingJobRejected")
        assert "release of batch/v1 Job refused: " in status["message"]
        assert "not today" in status["message"]
        suspended = {c["type"]: c["status"] for c in status["conditions"]}["Suspended"]
        assert suspended == "True"
        scene.apply(job("second"))
        scene.until("second", "Finished")
    scene.until("first", "Finished")


def test_a_webhook_that_does_not_answer_is_named(scene: Scene, plane: ControlPlane) -> None:
    away = {"url": "https://127.0.0.1:1/away"}
    with webhook(scene, plane, away, "failed calling webhook") as name:
        scene.apply(job("a"))
        status = scene.until("a", "Waiting", "BackingJobRejected")
        assert f'failed calling webhook "{name}"' in status["message"]
    scene.until("a", "Finished")


def test_a_webhook_that_says_no_without_a_code_is_quoted_and_waited_for(
    scene: Scene, plane: ControlPlane
) -> None:
    words = "no new jobs during maintenance"
    with (
        Webhook(plane.folder, words) as server,
        webhook(scene, plane, server.client_config, words) as name,
    ):
        scene.apply(job("a"), job("b", "a"))
        status = scene.until("a", "Waiting", "BackingJobRejected")
        assert f'admission webhook "{name}" denied the request: {words}' in status["message"]
        scene.until("b", "Waiting")
    scene.until_states({"a": "Finished", "b": "Finished"})


def test_who_submitted_a_job_is_told_on_its_batch_job_and_in_its_run(scene: Scene) -> None:
    body = job("a")
    body["metadata"]["annotations"] = {"alidade.dev/submitted-by": "mia"}
    scene.apply(experiment(), body)
    scene.until("a", "Finished")
    annotations = scene.get(BATCH_JOB, "a")["metadata"]["annotations"]
    assert annotations["alidade.dev/submitted-by"] == "mia"
    tags = scene.run("a").data.tags
    assert tags["alidade.dev/submitted-by"] == tags["mlflow.user"] == "mia"


def test_labels_and_annotations_reach_what_is_made_for_a_job_but_for_those_of_systems(
    scene: Scene, plane: ControlPlane
) -> None:
    kept = {
        "argocd.argoproj.io/tracking-id": "a",
        "kustomize.toolkit.fluxcd.io/checksum": "b",
        "kueue.x-k8s.io/queue-name": "c",
        "app.kubernetes.io/instance": "d",
        "alidade.dev/job": "other",
    }
    body = job("a", replicas=2)
    body["metadata"] |= {
        "labels": {**CHARGED, **kept},
        "annotations": {"example.org/owner": "chair", "kubectl.kubernetes.io/restartedAt": "now"},
    }
    has_label = "has(object.metadata.labels) && 'cost-centre' in object.metadata.labels"
    with policy(scene, plane, expression=has_label, message="who pays?", reason="Forbidden"):
        scene.apply(experiment(), body)
        scene.until("a", "Finished")
    for kind in (BATCH_JOB, SERVICE):
        meta = scene.get(kind, "a")["metadata"]
        assert meta["labels"]["cost-centre"] == "robustness"
        assert meta["labels"]["alidade.dev/job"] == "a"
        assert kept.keys() & meta["labels"].keys() == {"alidade.dev/job"}
        assert meta["annotations"]["example.org/owner"] == "chair"
        assert not any("kubectl" in key for key in meta["annotations"])
