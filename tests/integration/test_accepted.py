"""A job runs with what it was accepted with, though the API server lets that be changed.

Its rules do not notice that one field of a podTemplate was put in the place of another.
"""

import json

import pytest

from tests.integration.scene import JOB, Body, Scene
from tests.support.manifests import job

pytestmark = pytest.mark.usefixtures("operator")

SELECTOR = "/spec/podTemplate/spec/nodeSelector"
TOLERATIONS = "/spec/podTemplate/spec/tolerations"


def swap(scene: Scene, name: str, out: str, into: str, value: object) -> None:
    steps: list[Body] = [
        {"op": "remove", "path": out},
        {"op": "add", "path": into, "value": value},
    ]
    scene.kubectl("patch", "ajob", name, "--type=json", "-p", json.dumps(steps))


def test_a_job_whose_template_was_swapped_for_another_waits_until_it_is_put_back(
    scene: Scene,
) -> None:
    pool = {"alidade.dev/pool": "cpu"}
    scene.apply(job("a", suspend=True, podTemplate={"spec": {"nodeSelector": pool}}))
    scene.until("a", "Queued", "Suspended")

    swap(scene, "a", SELECTOR, TOLERATIONS, [{"operator": "Exists"}])

    scene.until("a", "Waiting", "SpecChanged")
    scene.patch(JOB, "a", {"suspend": False})
    scene.kubectl("wait", "--for=condition=AsAccepted=false", "ajob/a", "--timeout=60s")
    assert not scene.pods("a")
    swap(scene, "a", TOLERATIONS, SELECTOR, pool)
    scene.until("a", "Finished")
