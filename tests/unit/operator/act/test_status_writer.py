"""What is written of a job, and when."""

import asyncio
from typing import Any

import pytest

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState, JobStatus
from alidade_operator.act.recorder import Recorder
from alidade_operator.act.status_writer import StatusWriter
from alidade_operator.decide.actions import CreateRun
from alidade_operator.decide.coalescing import MOMENT_SECONDS
from alidade_operator.decide.plan import Plan
from alidade_operator.index.cache import Cache
from alidade_operator.kube.gateway import JOBS, UnavailableError
from tests.support.builders import NAMESPACE, job_body
from tests.support.reconciling import Gateway
from tests.support.simulation.api_server import ApiServer
from tests.support.virtual_time import in_virtual_time

KEY = (NAMESPACE, "train")
PREPARING = {"state": JobState.QUEUED, "reason": "Preparing"}
RUNNING = {"state": JobState.STARTED, "reason": "Running"}
COMPLETING = {"state": JobState.STARTED, "reason": "Completing"}


class Desk:
    """A writer, and the job that it tells of."""

    def __init__(self) -> None:
        self.server = ApiServer(lambda *_: None)
        self.gateway = Gateway(self.server)
        self.cache = Cache(lambda _: None)
        self.status_writer = StatusWriter(self.cache, self.gateway, Recorder(self.gateway, "test"))
        self.server.create(JOBS, job_body())
        self.server.update(JOBS, "train", status=PREPARING)
        self.see()

    def see(self) -> None:
        self.cache.put(JOBS, self.server.read(JOBS, "train"))

    @property
    def known(self) -> Job:
        return self.status_writer.known(self.cache.jobs[KEY])

    @property
    def written(self) -> tuple[JobState | None, str | None]:
        status = Job.model_validate(self.server.read(JOBS, "train")).status
        return status.state, status.reason

    async def tell(self, *actions: Any, **fields: Any) -> float | None:
        job = self.known
        status: JobStatus = job.status.model_copy(update=fields)
        return await self.status_writer.tell(job, Plan(status, actions))


@in_virtual_time
async def test_what_is_seen_is_told_when_a_moment_has_passed_whatever_came_meanwhile() -> None:
    desk = Desk()
    assert await desk.tell(**RUNNING) == MOMENT_SECONDS
    await asyncio.sleep(0.3)
    left = await desk.tell(**COMPLETING)
    assert left is not None
    assert left == pytest.approx(MOMENT_SECONDS - 0.3)
    assert desk.written == (JobState.QUEUED, "Preparing")
    # Plans go on from there all the same.
    assert desk.known.status.reason == "Completing"
    await asyncio.sleep(left)
    assert await desk.tell() is None
    assert desk.written == (JobState.STARTED, "Completing")
    assert desk.gateway.asked == ["patch_status"]


@in_virtual_time
async def test_an_end_is_told_at_once_with_all_that_was_not_told_yet() -> None:
    desk = Desk()
    await desk.tell(**RUNNING, attempt_count=1)
    assert await desk.tell(state=JobState.FINISHED) is None
    status = Job.model_validate(desk.server.read(JOBS, "train")).status
    assert (status.state, status.attempt_count) == (JobState.FINISHED, 1)


@in_virtual_time
async def test_what_passes_without_a_trace_is_never_written() -> None:
    desk = Desk()
    await desk.tell(**RUNNING)
    assert await desk.tell(**PREPARING) is None
    assert desk.gateway.asked == []


@in_virtual_time
async def test_what_was_decided_upon_a_status_that_somebody_changed_is_not_told() -> None:
    desk = Desk()
    await desk.tell(**RUNNING)
    desk.server.update(JOBS, "train", status={"state": "Waiting", "reason": "mine"})
    desk.see()
    assert desk.known.status.reason == "mine"
    assert await desk.tell() is None
    assert desk.gateway.asked == []


@in_virtual_time
async def test_what_could_not_be_written_is_tried_again() -> None:
    desk = Desk()
    run = CreateRun("7", "train", {})
    desk.gateway.refusals["patch_status"] = UnavailableError("away")
    with pytest.raises(UnavailableError):
        await desk.tell(run, attempt_count=1)
    desk.gateway.refusals.clear()
    assert await desk.tell(run, attempt_count=1) is None
    assert desk.gateway.asked == ["patch_status", "patch_status"]
