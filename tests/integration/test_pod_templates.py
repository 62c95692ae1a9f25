"""What a podTemplate may say: all that a pod has, but for what is the queue's and the system's."""

from typing import Any

import pytest

from tests.integration.scene import JOB, SERVICE, Scene
from tests.support.kubelet import running, succeeded
from tests.support.manifests import POOL, Body, job, queue
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("operator")

GPUS = {"limits": {"nvidia.com/gpu": "8", "cpu": "4"}}


def template(container: Body | None = None, **spec: Any) -> Body:
    return {"spec": {"containers": [{"name": "worker", **(container or {})}], **spec}}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (template(nodeselector=POOL), 'unknown field "spec.template.spec.nodeselector"'),
        (
            template({"resource": GPUS}),
            'unknown field "spec.template.spec.containers[0].resource"',
        ),
        (template({"env": "text"}), "Container.spec.template.spec.containers.env"),
        (template(volumes=3), "spec.template.spec.volumes"),
        (template(securityContext={"runAsUser": "root"}), "runAsUser"),
    ],
    ids=["a field of a pod", "a field of a container", "variables", "volumes", "a number"],
)
def test_a_field_that_does_not_exist_is_refused_in_the_words_of_the_api_server(
    scene: Scene, wrong: Body, words: str
) -> None:
    scene.apply(job("a", podTemplate=wrong), job("b", "a"))
    status = scene.until("a", "Failed", "BackingJobInvalid")
    assert status["message"].startswith("failed: batch/v1 Job refused: ")
    assert words in status["message"]
    scene.until("b", "Skipped")


def test_a_job_of_a_queue_gets_what_the_queue_shares_out_and_is_told_of_what_gave_way(
    scene: Scene,
) -> None:
    scene.apply(queue(resources={"requests": {"cpu": "1"}}))
    greedy = template(
        {"resources": GPUS},
        nodeSelector={"alidade.dev/pool": "gpu", "disk": "fast"},
        tolerations=[{"operator": "Exists"}],
        nodeName="gpu-0",
        initContainers=[{"name": "fetch", "image": "fetch:1", "resources": GPUS}],
    )
    # No node has a disk that is fast, so that it stays as it is.
    scene.apply(job("a", podTemplate=greedy))

    def told() -> str:
        conditions = {c["type"]: c for c in scene.status("a").get("conditions", ())}
        found: str = conditions["PodTemplateApplied"]["message"]
        return found

    (pod,) = eventually(lambda: scene.pods("a"))
    spec = pod["spec"]
    assert spec["nodeSelector"] == {**POOL, "disk": "fast"}
    assert "nodeName" not in spec
    assert not any(t.get("operator") == "Exists" and "key" not in t for t in spec["tolerations"])
    assert spec["containers"][0]["resources"] == {"limits": {"cpu": "4"}, "requests": {"cpu": "1"}}
    assert "nvidia.com/gpu" not in spec["initContainers"][0]["resources"]["limits"]
    for field in ("nodeName", "nodeSelector['alidade.dev/pool']", "tolerations", "nvidia.com/gpu"):
        assert field in told()


def test_a_queue_may_let_its_jobs_have_it_otherwise(scene: Scene) -> None:
    scene.apply(queue(jobsMayOverride=["Tolerations", "ExtendedResources"]))
    tolerations = [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]
    wanted = template({"resources": {"limits": {"nvidia.com/gpu": "8", "cpu": "64"}}})
    wanted["spec"]["tolerations"] = tolerations
    scene.apply(job("a", podTemplate=wanted))
    (pod,) = eventually(lambda: scene.pods("a"))
    assert tolerations[0] in pod["spec"]["tolerations"]
    assert pod["spec"]["containers"][0]["resources"]["limits"] == {"nvidia.com/gpu": "8"}


def test_the_contracts_variables_can_be_used_in_ones_own(scene: Scene) -> None:
    own = [
        {"name": "RESULTS", "value": "/data/$(ALIDADE_JOB)/$(MLFLOW_RUN_ID)"},
        {"name": "ALIDADE_JOB", "value": "other"},
    ]
    scene.apply(job("a", podTemplate=template({"env": own})))
    scene.until("a", "Finished")
    (pod,) = scene.pods("a")
    variables = pod["spec"]["containers"][0]["env"]
    names = [variable["name"] for variable in variables]
    assert len(names) == len(set(names))
    assert names.index("RESULTS") > max(names.index("ALIDADE_JOB"), names.index("MLFLOW_RUN_ID"))
    assert {"name": "ALIDADE_JOB", "value": "a"} in variables


def test_a_service_that_someone_deletes_is_there_when_the_pods_are_to_meet(scene: Scene) -> None:
    scene.apply(job("a", replicas=2, suspend=True))
    scene.until("a", "Queued", "Suspended")
    for index in range(2):
        scene.let(f"a-{index}", [running()])
    scene.patch(JOB, "a", {"suspend": False})
    eventually(lambda: scene.status("a").get("message") == "2 of 2 pods run")
    scene.delete(SERVICE, "a")
    scene.patch(JOB, "a", {"suspend": True})
    scene.until("a", "Queued", "Suspended")
    for index in range(2):
        scene.let(f"a-{index}", [running(), succeeded()])

    scene.patch(JOB, "a", {"suspend": False})

    eventually(lambda: scene.get(SERVICE, "a"))
    scene.until("a", "Finished")
