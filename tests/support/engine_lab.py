"""An engine at work between an API server and an MLflow in memory, told by a test what happens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState
from alidade_operator.kube.gateway import (
    EVENTS,
    EXPERIMENTS,
    JOBS,
    QUEUES,
    ApiError,
    Body,
    Kind,
    Page,
)
from alidade_operator.loop.engine import Engine
from alidade_operator.ops.settings import Settings
from tests.support.builders import experiment_body, job_body, queue_body
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance, clock
from tests.support.simulation.gateway import UnreliableGateway
from tests.support.simulation.mlflow import Mlflow


class Gateway(UnreliableGateway):
    """Does not list the kinds that a test says.

    Attributes:
        refusals: What is answered in the place of lists, by their kinds.
    """

    def __init__(self, server: ApiServer) -> None:
        super().__init__(server, Chance(0, 0), lambda: None)
        self.refusals: dict[Kind, ApiError] = {}

    async def list_pages(
        self,
        kind: Kind,
        namespace: str | None,
        selector: str | None = None,
        *,
        fields: str | None = None,
        size: int | None = None,
    ) -> AsyncIterator[Page]:
        if kind in self.refusals:
            raise self.refusals[kind]
        async for page in super().list_pages(kind, namespace, selector, fields=fields, size=size):
            yield page


class Scene:
    """An engine, told of what happens by a test."""

    def __init__(self, server: ApiServer | None = None) -> None:
        self.server = server or ApiServer(lambda *_: None)
        self.gateway = Gateway(self.server)
        own = Settings(tracking_uri="http://mlflow", resync_seconds=100)
        self.engine = Engine(self.gateway, self.gateway, Mlflow(Chance(0, 0)), own, clock)

    def have(self, kind: Kind, body: Body) -> Body:
        made = self.server.create(kind, {**body, "status": {}})
        self.engine.observe(kind, "ADDED", made)
        return made

    def told(self, name: str, reason: str) -> list[str]:
        events = (e for e in self.server.all(EVENTS) if e["regarding"]["name"] == name)
        return [event["note"] for event in events if event["reason"] == reason]

    def status(self, name: str) -> tuple[JobState | None, str | None]:
        found = Job.model_validate(self.server.read(JOBS, name)).status
        return found.state, found.reason


@asynccontextmanager
async def running(tracking: str = "None", **job: Any) -> AsyncIterator[Scene]:
    """An engine at work, and a job `train` that has been let run."""
    lab = Scene()
    lab.server.create(EXPERIMENTS, experiment_body(tracking=tracking))
    lab.server.create(QUEUES, queue_body())
    lab.server.create(JOBS, job_body(**job))
    task = asyncio.create_task(lab.engine.run())
    await asyncio.sleep(300)
    yield lab
    assert not task.done()
    task.cancel()
