"""Text of any kind arrives as it was, through the real API server."""

import json

from tests.integration.scene import Scene
from tests.support.kubelet import failed, running, succeeded, waiting
from tests.support.manifests import job
from tests.support.operator import Operator

# Planes and their ends, what writes right to left, what has no width, what is no character.
VALUE = (
    "\t\n\r\x7f\x80\x85\x9f\xa0é\u2028\u202e\u200b\ufeff\ufdd0\ufffd\ufffe\uffff\U0001f600\U0010ffff"
    "'\"\\{{}}$(HOME)#: "
)
ANY = "".join(map(chr, range(1, 32))) + VALUE
# A sentence has one line.
LINE = "".join(c for c in VALUE.strip() if c.isprintable() or c in "\x7f\x80\ufdd0\ufffe\U0010ffff")


def test_outputs_and_parameters_arrive_as_they_were_given(operator: Operator, scene: Scene) -> None:
    scene.let("gives", [running(), succeeded({"any": ANY, "value": VALUE})])
    parameters = [
        {"name": "typed", "value": VALUE},
        {"name": "given", "valueFrom": {"job": "gives", "output": "value"}},
    ]
    scene.apply(job("gives"), job("takes", "gives", parameters=parameters))

    scene.until("takes", "Finished")

    assert scene.status("gives")["outputs"] == {"any": ANY, "value": VALUE}
    known = {p["name"]: p["value"] for p in scene.status("takes")["parameters"]}
    assert known == {"typed": VALUE, "given": VALUE}
    (pod,) = scene.pods("takes")
    assert json.loads(pod["metadata"]["annotations"]["alidade.dev/parameters"]) == known
    scene.until_tracked("takes")
    assert operator.runs


def test_a_failure_is_told_whatever_its_words(operator: Operator, scene: Scene) -> None:
    scene.let("odd", [running(), failed(1, f"{ANY}\n{LINE}")])
    scene.let("plain", [running(), failed(1, LINE)])
    scene.apply(job("odd"), job("plain"), job("after", "odd"))

    assert LINE in scene.until("plain", "Failed")["message"]
    assert scene.until("odd", "Failed")["message"]
    scene.until("after", "Skipped")
    for name in ("odd", "plain"):
        scene.until_tracked(name)
    assert operator.runs


def test_what_keeps_a_pod_from_its_start_is_told_whatever_its_words(
    operator: Operator, scene: Scene
) -> None:
    scene.let("pulls", [waiting("ErrImagePull", f"cannot pull {LINE}")])
    scene.apply(job("pulls"))

    status = scene.until("pulls", "Queued", "ImagePullBackOff")

    assert LINE in status["message"]
    assert operator.runs
