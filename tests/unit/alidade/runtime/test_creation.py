import pytest

from alidade.domain.plan import RETRY_REJECTED_SECONDS
from alidade.kube.gateway import BATCH_JOBS, ForbiddenError, InvalidError, UnavailableError
from tests.support.builders import NAMESPACE, backing_body
from tests.support.reconciling import S, scene
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_batch_job_of_the_name_that_is_the_jobs_own_is_taken_over() -> None:
    async with scene() as lab:
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
        lab.server.place(BATCH_JOBS, backing_body(owner="uid-other"))
        await lab.bring_on()
        assert lab.where() == (S.WAITING, "NameConflict")
        assert "belongs to Job train" in (lab.status().message or "")
        lab.server.remove(BATCH_JOBS, "train")
        await lab.bring_on()
        assert lab.runs()


@in_virtual_time
async def test_a_batch_job_that_is_forbidden_is_tried_again_after_a_while() -> None:
    async with scene() as lab:
        lab.gateway.refusals["create"] = ForbiddenError("exceeded quota: jobs")
        await lab.bring_on()
        assert lab.where() == (S.WAITING, "BackingJobRejected")
        assert "exceeded quota" in (lab.status().message or "")
        await lab.reconcile()
        tries = lab.gateway.asked.count("create")
        assert await lab.reconcile() == pytest.approx(RETRY_REJECTED_SECONDS)
        assert lab.gateway.asked.count("create") == tries
        lab.gateway.refusals.clear()
        await lab.bring_on()
        assert lab.runs()


@in_virtual_time
async def test_a_batch_job_that_can_never_be_fails_the_job_and_ends_its_run() -> None:
    async with scene() as lab:
        lab.gateway.refusals["create"] = InvalidError("spec.template: Required value")
        await lab.bring_on()
        assert lab.where() == (S.FAILED, "BackingJobInvalid")
        assert list(lab.mlflow.runs.values()) == ["FAILED"]
