"""The Service of a job with replicas: made before its batch/v1 Job, and once."""

import pytest

from alidade_core.api.job_status import JobState
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    JOBS,
    SERVICES,
    Body,
    ForbiddenError,
    InvalidError,
)
from tests.support.builders import job_body, metadata
from tests.support.reconciling import invalid, owned_by, scene
from tests.support.virtual_time import in_virtual_time

S = JobState


def service(**meta: object) -> Body:
    return {"metadata": metadata("train", **meta), "spec": {}}


@in_virtual_time
async def test_a_service_is_there_before_the_batch_job_and_is_the_jobs() -> None:
    async with scene(job_body(replicas=2)) as lab:
        await lab.bring_on()
        made, batch = lab.server.read(SERVICES, "train"), lab.server.read(BATCH_JOBS, "train")
        assert int(made["metadata"]["resourceVersion"]) < int(batch["metadata"]["resourceVersion"])
        (owner,) = made["metadata"]["ownerReferences"]
        assert owner["uid"] == lab.server.read(JOBS, "train")["metadata"]["uid"]
        assert lab.runs()


@in_virtual_time
async def test_a_job_of_one_pod_has_no_service() -> None:
    async with scene() as lab:
        await lab.bring_on()
        assert lab.runs()
        assert lab.server.all(SERVICES) == []


@in_virtual_time
async def test_a_service_that_was_made_before_a_crash_is_taken_over() -> None:
    async with scene(job_body(replicas=2)) as lab:
        uid = lab.server.read(JOBS, "train")["metadata"]["uid"]
        lab.server.place(SERVICES, service(**owned_by(uid)))
        await lab.bring_on()
        assert lab.runs()


@in_virtual_time
async def test_a_service_of_the_name_that_is_anothers_holds_the_job_until_it_is_gone() -> None:
    async with scene(job_body(replicas=2)) as lab:
        lab.server.place(SERVICES, service())
        await lab.bring_on()
        assert lab.where() == (S.WAITING, "NameConflict")
        assert lab.status().message == (
            "a Service 'train' exists that belongs to nobody; delete that one, or give this job "
            "another name"
        )
        assert lab.server.all(BATCH_JOBS) == []
        lab.server.remove(SERVICES, "train")
        await lab.bring_on()
        assert lab.runs()


@pytest.mark.parametrize(
    ("refusal", "state", "reason"),
    [
        (ForbiddenError("exceeded quota: services"), S.WAITING, "BackingJobRejected"),
        (
            InvalidError("metadata.name: Invalid value", status=invalid("metadata.name")),
            S.FAILED,
            "BackingJobInvalid",
        ),
    ],
)
@in_virtual_time
async def test_a_service_that_is_refused_is_named(
    refusal: Exception, state: JobState, reason: str
) -> None:
    async with scene(job_body(replicas=2)) as lab:
        lab.gateway.refusals["create"] = refusal  # type: ignore[assignment]
        await lab.bring_on()
        assert lab.where() == (state, reason)
        assert f"Service refused: {refusal}" in (lab.status().message or "")
