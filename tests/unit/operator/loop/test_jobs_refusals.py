from typing import Any

import pytest

from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    JOBS,
    SERVICES,
    ForbiddenError,
    UnavailableError,
)
from tests.support.builders import job_body
from tests.support.reconciling import S, Scene, scene
from tests.support.virtual_time import in_virtual_time

REFUSED = ForbiddenError("policy: not today")


def told(lab: Scene) -> str:
    condition = lab.status().condition("ChangesRefused")
    return condition.message if condition and condition.status == "True" else ""


async def ask(lab: Scene, **spec: Any) -> None:
    """Change the spec of a job that runs."""
    lab.server.update(JOBS, "train", spec={**job_body()["spec"], **spec})
    lab.see()
    for _ in range(3):
        await lab.reconcile()


@in_virtual_time
async def test_a_suspension_that_is_refused_is_told_and_its_place_stays_taken() -> None:
    async with scene(tracking="None", maxRunning=1) as lab:
        await lab.bring_on()
        lab.gateway.refusals["patch"] = REFUSED
        await ask(lab, suspend=True)
        assert lab.where() == (S.QUEUED, "RequestRefused")
        assert told(lab) == "suspension of its batch/v1 Job refused: policy: not today"
        assert lab.runs()
        lab.gateway.refusals.clear()
        await lab.bring_on()
        assert lab.where() == (S.QUEUED, "Suspended")
        assert (told(lab), lab.runs()) == ("", False)


@in_virtual_time
async def test_a_deletion_that_is_refused_is_told_and_tried_again() -> None:
    async with scene(tracking="None") as lab:
        await lab.bring_on()
        lab.gateway.refusals[f"delete {BATCH_JOBS}"] = REFUSED
        await ask(lab, cancel=True)
        assert lab.where() == (S.CANCELLED, "Cancelled")
        assert told(lab) == "deletion of its batch/v1 Job refused: policy: not today"
        tries = lab.gateway.asked.count(f"delete {BATCH_JOBS}")
        await lab.reconcile()
        assert lab.gateway.asked.count(f"delete {BATCH_JOBS}") == tries
        lab.gateway.refusals.clear()
        await lab.bring_on()
        assert "deletionTimestamp" in lab.server.read(BATCH_JOBS, "train")["metadata"]
        assert told(lab) == ""


@in_virtual_time
async def test_a_service_that_is_refused_while_the_job_runs_is_told() -> None:
    async with scene(job_body(replicas=2), tracking="None") as lab:
        await lab.bring_on()
        lab.server.remove(SERVICES, "train")
        lab.gateway.refusals["create"] = REFUSED
        await lab.bring_on()
        assert told(lab) == "Service refused: policy: not today"
        assert lab.where() == (S.QUEUED, "PodPending")
        lab.gateway.refusals.clear()
        await lab.bring_on()
        assert lab.server.find(SERVICES, "train") is not None
        assert told(lab) == ""


@in_virtual_time
async def test_what_is_not_known_to_be_refused_is_no_refusal() -> None:
    async with scene(tracking="None") as lab:
        await lab.bring_on()
        lab.gateway.refusals["patch"] = UnavailableError("502 Bad Gateway")
        with pytest.raises(UnavailableError):
            await ask(lab, suspend=True)
        assert told(lab) == ""
