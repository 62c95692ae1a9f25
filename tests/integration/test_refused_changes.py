"""What is refused of what a job needs while it runs, or has ended."""

import pytest

from tests.integration.policy import policy
from tests.integration.scene import BATCH_JOB, JOB, Scene
from tests.support.control_plane import ControlPlane
from tests.support.kubelet import running
from tests.support.manifests import Body, job
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("operator")


def refusals(scene: Scene, name: str) -> Body:
    conditions = scene.status(name).get("conditions", ())
    return next((c for c in conditions if c["type"] == "ChangesRefused"), {})


def test_a_suspension_that_is_refused_is_told_and_tried_again(
    scene: Scene, plane: ControlPlane
) -> None:
    scene.let("a", [running()])
    scene.apply(job("a"))
    scene.until("a", "Started", "Running")
    probed = "object.metadata.name == 'a' && !object.spec.suspend"
    with policy(scene, plane, operation="UPDATE", expression=probed, message="never stop it"):
        scene.patch(JOB, "a", {"suspend": True})
        status = scene.until("a", "Started", "RequestRefused", says="never stop it")
        assert status["message"].startswith("runs on, though it is to stop (Suspended): ")
        assert refusals(scene, "a")["status"] == "True"
        eventually(lambda: "RequestRefused" in scene.kubectl("events", "--for=ajob/a"))
    scene.until("a", "Queued", "Suspended")
    eventually(lambda: refusals(scene, "a")["status"] == "False")


def test_a_deletion_that_is_refused_is_told_beside_the_end(
    scene: Scene, plane: ControlPlane
) -> None:
    scene.let("a", [running()])
    scene.apply(job("a"))
    scene.until("a", "Started", "Running")
    with policy(scene, plane, operation="DELETE", expression="false", message="keep it"):
        scene.patch(JOB, "a", {"cancel": True})
        scene.until("a", "Cancelled", "Cancelled")
        eventually(lambda: "keep it" in refusals(scene, "a").get("message", ""))
        told = refusals(scene, "a")
        assert told["message"].startswith("deletion of its batch/v1 Job refused: ")
        assert (told["status"], told["reason"]) == ("True", "RequestRefused")
        assert scene.exists(BATCH_JOB, "a")
