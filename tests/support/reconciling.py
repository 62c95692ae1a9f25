"""A reconciler of jobs between an API server and an MLflow in memory, which do as a test says."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState, JobStatus
from alidade_operator.act.last_lines import LastLines
from alidade_operator.act.log_archive import LogArchive
from alidade_operator.act.recorder import Recorder
from alidade_operator.act.tracker import Tracker
from alidade_operator.index.cache import Cache, WorkKey
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    EXPERIMENTS,
    JOBS,
    PODS,
    QUEUES,
    ApiError,
    Body,
    Kind,
    UnavailableError,
)
from alidade_operator.loop.jobs import JobReconciler
from alidade_operator.loop.queue_faults import QueueFaults
from alidade_operator.tracking.tracking import TrackingError
from alidade_operator.work.workqueue import WorkQueue
from tests.support.builders import (
    NAMESPACE,
    experiment_body,
    job_body,
    queue_body,
)
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance, clock
from tests.support.simulation.gateway import UnreliableGateway
from tests.support.simulation.mlflow import Mlflow

S = JobState
T = TypeVar("T")
CERTAIN = Chance(seed=0, mishaps=0)


class Gateway(UnreliableGateway):
    """A gateway that refuses what a test says, and takes down what was asked for."""

    def __init__(self, server: ApiServer) -> None:
        super().__init__(server, CERTAIN, lambda: None)
        self.refusals: dict[str, ApiError] = {}
        self.lost_answers: set[str] = set()
        self.delay = 0.0
        self.asked: list[str] = []

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        return await self._answered("create", super().create(kind, namespace, body))

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Body) -> Body:
        return await self._answered("patch", super().patch(kind, namespace, name, patch))

    async def patch_status(self, kind: Kind, namespace: str, name: str, patch: Body) -> Body:
        answer = super().patch_status(kind, namespace, name, patch)
        return await self._answered("patch_status", answer)

    async def delete(self, kind: Kind, *args: Any, **options: Any) -> Body | None:
        answer = super().delete(kind, *args, **options)
        return await self._answered(f"delete {kind}", answer)

    async def _answered(self, request: str, answer: Coroutine[Any, Any, T]) -> T:
        self.asked.append(request)
        await asyncio.sleep(self.delay)
        if refusal := self.refusals.get(request):
            answer.close()
            raise refusal
        body = await answer
        if request in self.lost_answers:
            raise UnavailableError("the answer was lost")
        return body


class Faltering(Mlflow):
    """An MLflow that cannot be reached a few times first."""

    failures = 0

    async def _way(self) -> None:
        if self.failures:
            self.failures -= 1
            raise TrackingError("connection refused", unreachable=True)
        await super()._way()


class Scene:
    """A reconciler that sees at once what the API server has."""

    def __init__(self) -> None:
        self.server = ApiServer(lambda *_: None)
        self.gateway = Gateway(self.server)
        self.mlflow = Faltering(CERTAIN)
        self.queue: WorkQueue[WorkKey] = WorkQueue()
        self.work: asyncio.Future[tuple[None, None, None]] | None = None
        self.start()

    def start(self) -> None:
        """Start the operator anew: nothing but the API server and MLflow remembers anything."""
        if self.work:
            self.work.cancel()
        self.cache = Cache(self.queue.add)
        self.tracker = Tracker(self.queue.add)
        last_lines = LastLines(self.gateway, self.queue.add)
        archive = LogArchive(
            self.gateway, self.mlflow, self.tracker, self.queue.add, tail_lines=100
        )
        self.faults = QueueFaults(self.queue.add)
        self.reconciler = JobReconciler(
            cache=self.cache,
            queue=self.queue,
            gateway=self.gateway,
            tracker=self.tracker,
            tracking=self.mlflow,
            recorder=Recorder(self.gateway, "test"),
            archive=archive,
            last_lines=last_lines,
            faults=self.faults,
            see=self.cache.put,
            job_tracking_uri="http://mlflow",
            clock=clock,
            # What a test sees is what is known.
            moment=0,
        )
        self.see()
        self.reconciler.prime()
        self.work = asyncio.gather(self.tracker.run(), archive.run(), last_lines.run())

    def have(self, kind: Kind, *bodies: Body) -> None:
        """Let there be objects, and be known."""
        for body in bodies:
            status = body.get("status", {})
            made = self.server.place(kind, {**body, "status": {}})
            self.server.update(kind, made["metadata"]["name"], status=status)
        self.see()

    def see(self) -> None:
        for kind in (EXPERIMENTS, QUEUES, JOBS, BATCH_JOBS, PODS):
            for body in self.server.all(kind):
                self.cache.put(kind, body)

    async def reconcile(self, name: str = "train") -> float | None:
        return await self.reconciler.reconcile(WorkKey("job", NAMESPACE, name))

    async def bring_on(self, *names: str) -> None:
        """Reconcile jobs a few times, as changes would."""
        for _ in range(4):
            for name in names or ("train",):
                await self.reconcile(name)
                self.see()
                await asyncio.sleep(100)

    def status(self, name: str = "train") -> JobStatus:
        return Job.model_validate(self.server.read(JOBS, name)).status

    def where(self, name: str = "train") -> tuple[JobState | None, str | None]:
        status = self.status(name)
        return status.state, status.reason

    def runs(self, name: str = "train") -> bool:
        batch = self.server.find(BATCH_JOBS, name)
        return batch is not None and not batch["spec"]["suspend"]


def owned_by(uid: str) -> dict[str, Any]:
    return {"ownerReferences": [{"kind": "Job", "name": "x", "uid": uid, "controller": True}]}


def invalid(field: str) -> Body:
    """Return the status of an API server that finds a field of an object wrong."""
    return {"code": 422, "details": {"causes": [{"reason": "FieldValueInvalid", "field": field}]}}


@asynccontextmanager
async def scene(*jobs: Body, tracking: str = "MLflow", **queue: Any) -> AsyncIterator[Scene]:
    """A registered experiment, a queue, and jobs."""
    found = Scene()
    found.have(EXPERIMENTS, experiment_body(tracking=tracking))
    found.have(QUEUES, queue_body(**queue))
    found.have(JOBS, *(jobs or (job_body(),)))
    yield found
    if found.work:
        found.work.cancel()
