import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import structlog

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    EXPERIMENTS,
    JOBS,
    QUEUES,
    WORKLOADS,
    Body,
    Kind,
    UnavailableError,
)
from alidade_operator.loop.engine import Engine
from alidade_operator.ops.settings import Settings
from tests.support.builders import NAMESPACE, experiment_body, job_body, queue_body
from tests.support.engine_lab import Gateway
from tests.support.simulation.api_server import NAMESPACED, ApiServer
from tests.support.simulation.chance import Chance
from tests.support.simulation.mlflow import Mlflow
from tests.support.virtual_time import in_virtual_time

Logs = list[structlog.typing.EventDict]


class Scene:
    """An engine without watches: what it does not list it has to be told."""

    def __init__(self, namespaces: str = "") -> None:
        self.server = ApiServer(lambda *_: None)
        self.gateway = Gateway(self.server)
        settings = Settings(tracking_uri="http://mlflow", namespaces=namespaces)
        self.engine = Engine(self.gateway, self.gateway, Mlflow(Chance(0, 0)), settings)

    def have(self, kind: Kind, body: Body) -> Body:
        return self.server.place(kind, {**body, "status": {}})

    def status(self, name: str) -> tuple[JobState | None, str | None]:
        found = Job.model_validate(self.server.read(JOBS, name)).status
        return found.state, found.reason


@pytest.fixture
def logs() -> Iterator[Logs]:
    with structlog.testing.capture_logs() as captured:
        yield captured


@asynccontextmanager
async def running(scene: Scene) -> AsyncIterator[None]:
    task = asyncio.create_task(scene.engine.run())
    yield
    assert not task.done()
    task.cancel()


@in_virtual_time
async def test_it_is_ready_once_it_knows_the_cluster() -> None:
    lab = Scene()
    away = UnavailableError("connection refused")
    lab.gateway.refusals = dict.fromkeys((*NAMESPACED, WORKLOADS), away)
    lab.have(JOBS, job_body())
    assert lab.engine.trouble
    async with running(lab):
        await asyncio.sleep(60)
        assert lab.engine.trouble
        assert lab.status("train") == (None, None)
        lab.gateway.refusals = {}
        await asyncio.sleep(60)
        assert lab.engine.trouble is None
        assert lab.status("train") == (JobState.WAITING, "ExperimentNotFound")


@in_virtual_time
async def test_what_a_watch_missed_is_found_out_by_and_by() -> None:
    lab = Scene()
    job = lab.have(JOBS, job_body())
    async with running(lab):
        await asyncio.sleep(60)
        lab.have(EXPERIMENTS, experiment_body(queue=None))
        await asyncio.sleep(600)
        assert lab.status("train") == (JobState.WAITING, "QueueNotFound")
        lab.server.remove(JOBS, "train")
        lab.have(JOBS, job_body(experiment="other"))
        await asyncio.sleep(600)
        assert lab.status("train") == (JobState.WAITING, "ExperimentNotFound")
        assert lab.server.read(JOBS, "train")["metadata"]["uid"] != job["metadata"]["uid"]


@in_virtual_time
async def test_a_job_whose_batch_job_a_backup_does_not_have_is_begun_anew() -> None:
    lab = Scene()
    lab.have(EXPERIMENTS, experiment_body(tracking="None"))
    lab.have(QUEUES, queue_body())
    lab.have(JOBS, job_body())
    backup = lab.server.back_up()
    async with running(lab):
        for _ in range(2):
            await asyncio.sleep(1200)
            made = lab.server.read(BATCH_JOBS, "train")["metadata"]["uid"]
            assert lab.status("train") == (JobState.QUEUED, "PodPending")
            lab.server.restore(*backup)
        await asyncio.sleep(1200)
        assert lab.status("train") == (JobState.QUEUED, "PodPending")
        assert lab.server.read(BATCH_JOBS, "train")["metadata"]["uid"] != made


@in_virtual_time
async def test_what_a_watch_tells_is_acted_on_at_once() -> None:
    lab = Scene()
    async with running(lab):
        await asyncio.sleep(60)
        lab.engine.observe(JOBS, "ADDED", lab.have(JOBS, job_body()))
        await asyncio.sleep(30)
        assert lab.status("train") == (JobState.WAITING, "ExperimentNotFound")


@in_virtual_time
async def test_one_object_that_cannot_be_read_stops_no_other(logs: Logs) -> None:
    lab = Scene()
    broken = lab.have(QUEUES, {**queue_body("broken"), "spec": {"maxRunning": "many"}})
    lab.have(JOBS, job_body())
    async with running(lab):
        lab.engine.observe(QUEUES, "MODIFIED", broken)
        await asyncio.sleep(60)
        assert lab.status("train") == (JobState.WAITING, "ExperimentNotFound")
    told = [(log["kind"], log["name"]) for log in logs if log["event"] == "object.unreadable"]
    assert set(told) == {("queues.alidade.dev", "broken")}


@in_virtual_time
async def test_a_fault_in_one_job_stops_no_other(logs: Logs) -> None:
    lab = Scene()
    lab.have(EXPERIMENTS, experiment_body())
    lab.have(QUEUES, queue_body(maxRunning=1))
    ageless = lab.have(JOBS, job_body("ageless"))
    del ageless["metadata"]["creationTimestamp"]
    lab.have(JOBS, job_body("train"))
    async with running(lab):
        await asyncio.sleep(120)
        assert lab.status("train") == (JobState.QUEUED, "PodPending")
    assert {log["key"] for log in logs if log["event"] == "reconcile.crashed"} == {
        f"job/{NAMESPACE}/ageless"
    }


@pytest.mark.parametrize(("namespaces", "served"), [("lab,other", True), ("other", False)])
@in_virtual_time
async def test_only_the_namespaces_it_serves_are_read(namespaces: str, served: bool) -> None:
    lab = Scene(namespaces)
    lab.have(JOBS, job_body())
    async with running(lab):
        await asyncio.sleep(60)
        assert (lab.status("train")[0] is JobState.WAITING) == served
