import asyncio
from contextlib import nullcontext

import pytest

from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    ApiError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    UnavailableError,
)
from tests.support.builders import NAMESPACE, batch_job_body
from tests.support.reconciling import S, invalid, scene
from tests.support.virtual_time import in_virtual_time

CALLING = {"code": 500, "message": 'Internal error occurred: failed calling webhook "w": refused'}


@in_virtual_time
async def test_a_batch_job_of_the_name_that_is_the_jobs_own_is_taken_over() -> None:
    async with scene(tracking="None") as lab:
        lab.gateway.lost_answers.add("create")
        with pytest.raises(UnavailableError):
            await lab.reconcile()
        lab.gateway.lost_answers.clear()
        lab.cache.drop(BATCH_JOBS, NAMESPACE, "train", "unknown")
        await lab.bring_on()
        assert lab.runs()
        assert lab.gateway.asked.count("create") == 1


@in_virtual_time
async def test_a_batch_job_of_the_name_that_is_anothers_holds_the_job_until_it_is_gone() -> None:
    async with scene() as lab:
        lab.server.place(BATCH_JOBS, batch_job_body(owner="uid-other"))
        await lab.bring_on()
        assert lab.where() == (S.WAITING, "NameConflict")
        assert "belongs to Job train" in (lab.status().message or "")
        lab.server.remove(BATCH_JOBS, "train")
        await lab.bring_on()
        assert lab.runs()


@in_virtual_time
async def test_a_batch_job_that_is_refused_is_tried_again_after_growing_pauses() -> None:
    async with scene(tracking="None") as lab:
        lab.gateway.refusals["create"] = ForbiddenError("policy: not today")
        for pause in (15, 30, 60, 120, 240, 240):
            await lab.reconcile()
            tries = lab.gateway.asked.count("create")
            left = await lab.reconcile()
            assert left is not None
            assert left == pytest.approx(pause)
            assert lab.where() == (S.WAITING, "BackingJobRejected")
            assert lab.status().message == "batch/v1 Job refused: policy: not today"
            assert lab.gateway.asked.count("create") == tries
            await asyncio.sleep(left)
        lab.gateway.refusals.clear()
        await lab.bring_on()
        assert lab.runs()


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (InvalidError("policy says no", status={"code": 422, "details": {"causes": [{}]}}), True),
        (InvalidError('admission webhook "w" denied the request', status={"code": 400}), True),
        (ApiError("Request entity too large", status={"code": 413}), True),
        (UnavailableError('failed calling webhook "w"', status=CALLING), True),
        (UnavailableError("etcdserver: request timed out", status={"code": 500}), False),
        (ConflictError("resourcequotas few: modified", status={"reason": "Conflict"}), False),
    ],
    ids=["policy", "webhook", "too large", "webhook away", "API server away", "quota contended"],
)
@in_virtual_time
async def test_a_refusal_is_told_and_never_final_if_not_the_objects_fault(
    refusal: ApiError, told: bool
) -> None:
    async with scene(tracking="None") as lab:
        lab.gateway.refusals["create"] = refusal
        with nullcontext() if told else pytest.raises(UnavailableError):
            await lab.reconcile()
        with nullcontext() if told else pytest.raises(UnavailableError):
            await lab.reconcile()
        where = (S.WAITING, "BackingJobRejected") if told else (S.QUEUED, "Preparing")
        assert lab.where() == where
        lab.gateway.refusals.clear()
        await lab.bring_on()
        assert lab.runs()


@in_virtual_time
async def test_a_refusal_of_any_length_is_told() -> None:
    async with scene() as lab:
        lab.gateway.refusals["create"] = ForbiddenError("no " * 30_000)
        await lab.bring_on()
        message = lab.status().message or ""
        assert message.startswith("batch/v1 Job refused: no no ")
        assert len(message) < 5000


@in_virtual_time
async def test_a_batch_job_that_can_never_be_fails_the_job_and_ends_its_run() -> None:
    async with scene() as lab:
        lab.gateway.refusals["create"] = InvalidError(
            "spec.template: Required value", status=invalid("spec.template")
        )
        await lab.bring_on()
        await lab.bring_on()
        assert lab.where() == (S.FAILED, "BackingJobInvalid")
        assert list(lab.mlflow.runs.values()) == ["FAILED"]
