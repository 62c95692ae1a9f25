"""What cannot be changed once it is accepted: a job is the record of a measurement."""

from typing import Any

import pytest

from tests.integration.scene import JOB, Scene
from tests.support.control_plane import ControlPlane
from tests.support.manifests import job

FULL = job(
    "full",
    {"name": "before", "condition": "Ended"},
    queue="cpu",
    entryPoint="train",
    parameters=[{"name": "epochs", "value": "1"}],
    image="localhost/other:1",
    workflow={"path": "/one"},
    datasets=[{"name": "digits", "claim": "digits"}],
    podTemplate={"spec": {"terminationGracePeriodSeconds": 1}},
    priority=1,
    priorityClassName="low",
    replicas=2,
    backoffLimit=1,
    podFailurePolicy={"rules": []},
    activeDeadlineSeconds=60,
    ttlSecondsAfterFinished=60,
)
CHANGES: dict[str, Any] = {
    "experiment": "other",
    "queue": "gpu",
    "entryPoint": "infer",
    "parameters": [{"name": "epochs", "value": "2"}],
    "dependsOn": [],
    "image": "localhost/other:2",
    "workflow": {"path": "/another"},
    "datasets": [{"name": "digits", "claim": "letters"}],
    "podTemplate": {"spec": {"terminationGracePeriodSeconds": 2}},
    "priority": 2,
    "priorityClassName": "high",
    "replicas": 1,
    "backoffLimit": 2,
    "podFailurePolicy": None,
    "activeDeadlineSeconds": None,
    "ttlSecondsAfterFinished": 0,
}


@pytest.mark.parametrize(("field", "value"), CHANGES.items(), ids=CHANGES.keys())
def test_what_a_job_measured_cannot_be_changed_later(
    empty_scene: Scene, field: str, value: object
) -> None:
    empty_scene.apply(FULL)

    answer = empty_scene.apply({**FULL, "spec": FULL["spec"] | {field: value}}, check=False)

    assert (
        f"{field} cannot be changed: a job is the record of a measurement; create another job"
        in answer
    )


def test_every_field_but_suspend_and_cancel_is_among_those_that_cannot_be_changed(
    plane: ControlPlane,
) -> None:
    explained = plane.kubectl("explain", "jobs.alidade.dev.spec", "--output=plaintext-openapiv2")

    fields = {
        line.split("\t")[0].strip()
        for line in explained.partition("FIELDS:")[2].splitlines()
        if line.startswith("   ") and line[3:4].isalpha()
    }
    assert fields == {*CHANGES, "suspend", "cancel"}


def test_a_job_can_be_suspended_and_resumed_but_cancelled_only_once(empty_scene: Scene) -> None:
    empty_scene.apply(job("a"))
    for suspend in (True, False, True):
        empty_scene.patch(JOB, "a", {"suspend": suspend})
    empty_scene.patch(JOB, "a", {"cancel": True})

    for undo in ("false", "null"):
        answer = empty_scene.kubectl(
            *("patch", "ajob", "a", "--type=merge", "-p"),
            f'{{"spec": {{"cancel": {undo}}}}}',
            check=False,
        )
        assert "cancel cannot be taken back" in answer
