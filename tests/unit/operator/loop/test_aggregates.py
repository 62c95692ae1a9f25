import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from alidade_core.api.experiment import Experiment
from alidade_core.api.job_status import JobState, JobStatus
from alidade_core.api.queue import Queue
from alidade_operator.act.tracker import Tracker
from alidade_operator.index.cache import Cache, WorkKey
from alidade_operator.kube.gateway import EXPERIMENTS, JOBS, QUEUES, Body, Kind
from alidade_operator.loop.aggregates import LOOK_AGAIN_SECONDS, AggregateReconciler
from alidade_operator.loop.queue_faults import QueueFaults
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
from tests.support.virtual_time import in_virtual_time

CERTAIN = Chance(seed=0, mishaps=0)
EXPERIMENT = WorkKey("experiment", NAMESPACE, "mnist")
QUEUE = WorkKey("queue", NAMESPACE, "cpu")


class Scene:
    """A reconciler of what sums up jobs, at work on what the API server has."""

    def __init__(self) -> None:
        self.server = ApiServer(lambda *_: None)
        self.queue: WorkQueue[WorkKey] = WorkQueue()
        self.cache = Cache(lambda key: None)
        self.tracker = Tracker(lambda key: None)
        self.mlflow = Mlflow(CERTAIN)
        self.faults = QueueFaults(lambda key: None)
        self._reconciler = AggregateReconciler(
            cache=self.cache,
            queue=self.queue,
            gateway=UnreliableGateway(self.server, CERTAIN, lambda: None),
            tracker=self.tracker,
            tracking=self.mlflow,
            faults=self.faults,
            clock=clock,
        )

    def have(self, kind: Kind, *bodies: Body) -> None:
        for body in bodies:
            made = self.server.place(kind, body)
            self.cache.put(kind, made)

    async def reconcile(self, key: WorkKey) -> None:
        await self._reconciler.reconcile(key)
        await asyncio.sleep(100)

    def experiment(self) -> Experiment:
        return Experiment.model_validate(self.server.read(EXPERIMENTS, "mnist"))

    def queue_(self) -> Queue:
        return Queue.model_validate(self.server.read(QUEUES, "cpu"))


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    found = Scene()
    work = asyncio.create_task(found.tracker.run())
    yield found
    work.cancel()


def in_state(name: str, state: JobState) -> Body:
    return job_body(name, status=JobStatus(state=state))


@in_virtual_time
async def test_an_experiment_is_registered_in_mlflow_and_counts_its_jobs() -> None:
    async with scene() as lab:
        lab.have(EXPERIMENTS, experiment_body(registered=None))
        lab.have(JOBS, in_state("a", JobState.FINISHED), in_state("b", JobState.STARTED))
        await lab.reconcile(EXPERIMENT)
        assert lab.experiment().status.mlflow_experiment_id is None
        await lab.reconcile(EXPERIMENT)
        status = lab.experiment().status
        assert status.mlflow_experiment_id == "1"
        assert (status.jobs.finished, status.jobs.started) == (1, 1)


@in_virtual_time
async def test_an_experiment_that_mlflow_has_lost_is_registered_again_and_that_stays_told() -> None:
    async with scene() as lab:
        lab.have(EXPERIMENTS, experiment_body(registered="lost"))
        lab.mlflow.lost.add("lost")
        for _ in range(3):
            await lab.reconcile(EXPERIMENT)
        status = lab.experiment().status
        assert status.mlflow_experiment_id == "1"
        assert status.mlflow_experiment == f"{NAMESPACE}/mnist"
        (ready,) = (c for c in status.conditions if c.type == "Ready")
        assert (ready.status, ready.reason) == ("True", "RegisteredAgain")
        assert "experiment lost, which it had before, is not there any more" in ready.message
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        for _ in range(2):
            await lab.reconcile(EXPERIMENT)
        assert lab.experiment().status == status


@in_virtual_time
async def test_mlflow_is_asked_from_time_to_time_whether_an_experiment_is_still_there() -> None:
    async with scene() as lab:
        lab.have(EXPERIMENTS, experiment_body(registered=None))
        for _ in range(5):
            await lab.reconcile(EXPERIMENT)
        assert lab.mlflow.registrations == 2
        assert await lab.queue.get() == EXPERIMENT


@in_virtual_time
async def test_an_experiment_without_tracking_is_not_registered() -> None:
    async with scene() as lab:
        lab.have(EXPERIMENTS, experiment_body(registered=None, tracking="None"))
        for _ in range(2):
            await lab.reconcile(EXPERIMENT)
        assert lab.experiment().status.mlflow_experiment_id is None


@in_virtual_time
async def test_what_is_already_so_is_not_written_again() -> None:
    async with scene() as lab:
        lab.have(EXPERIMENTS, experiment_body())
        lab.have(QUEUES, queue_body())
        for key in (EXPERIMENT, QUEUE, EXPERIMENT):
            await lab.reconcile(key)
        version = lab.server.version
        for key in (EXPERIMENT, QUEUE):
            await lab.reconcile(key)
        assert lab.server.version == version


@in_virtual_time
async def test_a_queue_counts_who_runs_and_who_waits_and_tells_those_their_position() -> None:
    async with scene() as lab:
        lab.have(EXPERIMENTS, experiment_body())
        lab.have(QUEUES, queue_body(maxRunning=1))
        lab.have(JOBS, job_body("a"), job_body("b"))
        for name in ("a", "b"):
            lab.cache.line_up(lab.cache.jobs[NAMESPACE, name])
        lab.cache.ledger((NAMESPACE, "cpu")).hold("uid-other", "batch", "mnist")
        await lab.reconcile(QUEUE)
        assert (lab.queue_().status.running, lab.queue_().status.queued) == (1, 2)
        woken = {await lab.queue.get(), await lab.queue.get()}
        assert woken == {WorkKey("job", NAMESPACE, name) for name in "ab"}


@in_virtual_time
async def test_what_is_gone_is_forgotten() -> None:
    async with scene() as lab:
        lab.have(EXPERIMENTS, experiment_body())
        lab.have(QUEUES, queue_body())
        lab.server.remove(EXPERIMENTS, "mnist")
        lab.server.remove(QUEUES, "cpu")
        for key in (EXPERIMENT, QUEUE):
            await lab.reconcile(key)
        assert (lab.cache.experiments, lab.cache.queues) == ({}, {})
        version = lab.server.version
        for key in (EXPERIMENT, QUEUE):
            await lab.reconcile(key)
        assert lab.server.version == version
