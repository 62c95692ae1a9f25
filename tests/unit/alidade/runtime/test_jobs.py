import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from alidade.api.job import Job, JobState, JobStatus
from alidade.domain.mlflow_run import UID_TAG
from alidade.domain.snapshot import TrackingView
from alidade.kube.gateway import (
    BATCH_JOBS,
    EXPERIMENTS,
    JOBS,
    PODS,
    QUEUES,
    ApiError,
    Body,
    ForbiddenError,
    InvalidError,
    Kind,
    UnavailableError,
)
from alidade.runtime.cache import Cache, WorkKey
from alidade.runtime.jobs import RETRY_REJECTED_SECONDS, JobReconciler
from alidade.runtime.recorder import Recorder
from alidade.runtime.tracker import Tracker
from alidade.runtime.workqueue import WorkQueue
from alidade.tracking.tracking import TrackingError
from tests.support.builders import (
    NAMESPACE,
    backing_body,
    complete,
    experiment_body,
    job_body,
    pod_body,
    queue_body,
    running,
    terminated,
)
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance, clock
from tests.support.simulation.gateway import UnreliableGateway
from tests.support.simulation.mlflow import Mlflow
from tests.support.virtual_time import in_virtual_time

S = JobState
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

    async def apply_status(self, kind: Kind, namespace: str, name: str, body: Body) -> Body:
        answer = super().apply_status(kind, namespace, name, body)
        return await self._answered("apply_status", answer)

    async def _answered(self, request: str, answer: Any) -> Body:
        self.asked.append(request)
        await asyncio.sleep(self.delay)
        if refusal := self.refusals.get(request):
            answer.close()
            raise refusal
        body: Body = await answer
        if request in self.lost_answers:
            raise UnavailableError("the answer was lost")
        return body


class Faltering(Mlflow):
    """An MLflow that fails a few times first."""

    failures = 0

    async def ensure_run(
        self, experiment_id: str, name: str, tags: dict[str, str], *, search: bool
    ) -> str:
        if self.failures:
            self.failures -= 1
            raise TrackingError("connection refused", unreachable=True)
        return await super().ensure_run(experiment_id, name, tags, search=search)


class Scene:
    """A reconciler that sees at once what the API server has."""

    def __init__(self) -> None:
        self.server = ApiServer(lambda *_: None)
        self.gateway = Gateway(self.server)
        self.mlflow = Faltering(CERTAIN)
        self.queue: WorkQueue[WorkKey] = WorkQueue()
        self.work: asyncio.Task[None] | None = None
        self.start()

    def start(self) -> None:
        """Start the operator anew: nothing but the API server and MLflow remembers anything."""
        if self.work:
            self.work.cancel()
        self.cache = Cache(self.queue.add)
        self.tracker = Tracker(self.queue.add)
        self.reconciler = JobReconciler(
            cache=self.cache,
            queue=self.queue,
            gateway=self.gateway,
            tracker=self.tracker,
            tracking=self.mlflow,
            recorder=Recorder(self.gateway, "test"),
            job_tracking_uri="http://mlflow",
            clock=clock,
        )
        self.see()
        self.reconciler.prime()
        self.work = asyncio.create_task(self.tracker.run())

    def have(self, kind: Kind, *bodies: Body) -> None:
        """Let there be objects, and be known."""
        for body in bodies:
            status = body.get("status", {})
            made = self.server.create(kind, {**body, "status": {}})
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


@in_virtual_time
async def test_a_job_is_led_to_its_release() -> None:
    async with scene() as lab:
        await lab.bring_on()
        assert lab.where() == (S.QUEUED, "PodPending")
        assert lab.runs()
        (owner,) = lab.server.read(BATCH_JOBS, "train")["metadata"]["ownerReferences"]
        assert owner["uid"] == lab.server.read(JOBS, "train")["metadata"]["uid"]
        assert list(lab.mlflow.runs) == [lab.status().mlflow_run_id]


@in_virtual_time
async def test_a_status_is_written_before_anything_is_done() -> None:
    async with scene() as lab:
        lab.gateway.refusals["apply_status"] = ForbiddenError("RBAC")
        with pytest.raises(ForbiddenError):
            await lab.reconcile()
        assert lab.gateway.asked == ["apply_status"]


@in_virtual_time
async def test_what_is_already_so_is_not_written_again() -> None:
    async with scene(job_body(depends_on=["missing"])) as lab:
        await lab.bring_on()
        version = lab.server.version
        await lab.bring_on()
        lab.start()
        await lab.bring_on()
        assert lab.server.version == version


@in_virtual_time
async def test_a_job_that_does_not_exist_is_nobodys_business() -> None:
    async with scene() as lab:
        assert await lab.reconcile("other") is None
        assert lab.gateway.asked == []


# Batch/v1 Jobs that cannot be created.


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
        lab.server.create(BATCH_JOBS, backing_body(owner="uid-other"))
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
        while not lab.queue.idle:
            lab.queue.done(await lab.queue.get())
        await lab.reconcile()
        asked = asyncio.get_running_loop().time()
        assert await lab.queue.get() == WorkKey("job", NAMESPACE, "train")
        waited = asyncio.get_running_loop().time() - asked
        assert waited == pytest.approx(RETRY_REJECTED_SECONDS)
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


# Answers that were lost.


@in_virtual_time
async def test_an_end_whose_answer_was_lost_is_not_told_anew() -> None:
    async with scene(job_body(cancel=True)) as lab:
        lab.gateway.lost_answers.add("apply_status")
        with pytest.raises(UnavailableError):
            await lab.reconcile()
        told = lab.status()
        lab.gateway.lost_answers.clear()
        await asyncio.sleep(100)
        await lab.reconcile()
        assert lab.status() == told
        assert told.state is S.CANCELLED


async def released_without_an_answer(lab: Scene, *, done: bool) -> None:
    """Let two jobs want the one place, and the release of the first fail."""
    for name in ("a", "b"):
        await lab.reconcile(name)
    if done:
        lab.gateway.lost_answers.add("patch")
    else:
        lab.gateway.refusals["patch"] = UnavailableError("the request was lost")
    with pytest.raises(UnavailableError):
        await lab.reconcile("a")
    assert lab.runs("a") == done
    lab.gateway.lost_answers.clear()
    lab.gateway.refusals.clear()


@pytest.mark.parametrize("done", [True, False])
@in_virtual_time
async def test_the_place_of_a_release_without_an_answer_is_kept(done: bool) -> None:
    async with scene(job_body("a"), job_body("b"), tracking="None", maxRunning=1) as lab:
        await released_without_an_answer(lab, done=done)
        await lab.reconcile("b")
        assert lab.where("b") == (S.QUEUED, "QueueFull")
        await lab.reconcile("a")
        await lab.reconcile("b")
        assert lab.runs("a")
        assert not lab.runs("b")


@in_virtual_time
async def test_the_place_of_a_release_that_never_came_is_given_up_with_the_wish_for_it() -> None:
    async with scene(job_body("a"), job_body("b"), tracking="None", maxRunning=1) as lab:
        await released_without_an_answer(lab, done=False)
        lab.server.update(JOBS, "a", spec={**job_body("a")["spec"], "suspend": True})
        lab.see()
        await lab.reconcile("a")
        await lab.reconcile("b")
        assert lab.where("a") == (S.QUEUED, "Suspended")
        assert lab.runs("b")


@in_virtual_time
async def test_the_place_of_a_release_that_was_refused_is_the_next_ones() -> None:
    async with scene(job_body("a"), job_body("b"), tracking="None", maxRunning=1) as lab:
        for name in ("a", "b"):
            await lab.reconcile(name)
        lab.gateway.refusals["patch"] = ForbiddenError("RBAC")
        with pytest.raises(ForbiddenError):
            await lab.reconcile("a")
        lab.gateway.refusals.clear()
        await lab.reconcile("b")
        assert lab.runs("b")


# A new life.


@in_virtual_time
async def test_after_a_restart_the_first_in_line_gets_the_place_whoever_asks_first() -> None:
    jobs = (job_body("a"), job_body("b", priority=1))
    async with scene(*jobs, tracking="None", maxRunning=1) as lab:
        for name in ("a", "b"):
            await lab.reconcile(name)
        lab.start()
        await lab.reconcile("a")
        await lab.reconcile("b")
        assert (lab.runs("a"), lab.runs("b")) == (False, True)


@in_virtual_time
async def test_a_run_that_an_earlier_life_created_is_found_again() -> None:
    async with scene() as lab:
        uid = lab.server.read(JOBS, "train")["metadata"]["uid"]
        await lab.mlflow.ensure_run("7", "train", {UID_TAG: uid}, search=False)
        lab.start()
        await lab.bring_on()
        assert list(lab.mlflow.owners) == [lab.status().mlflow_run_id]


@in_virtual_time
async def test_a_run_that_comes_while_the_status_is_written_is_not_created_twice() -> None:
    async with scene() as lab:
        lab.mlflow.failures = 1
        await lab.reconcile()
        await asyncio.sleep(0.05)
        lab.gateway.delay = 60
        await lab.reconcile()
        assert lab.where() == (S.QUEUED, "TrackingUnavailable")
        lab.gateway.delay = 0
        await lab.bring_on()
        assert list(lab.mlflow.owners) == [lab.status().mlflow_run_id]


# The end.


@in_virtual_time
async def test_the_pods_are_read_where_the_watches_are_not_in_step() -> None:
    async with scene(tracking="None") as lab:
        await lab.bring_on()
        uid = lab.server.read(BATCH_JOBS, "train")["metadata"]["uid"]
        told = terminated(message='{"model": "m1"}')
        body = pod_body(phase="Succeeded", worker=told, meta=owned_by(uid))
        lab.server.create(PODS, body)
        lab.cache.put(BATCH_JOBS, lab.server.update(BATCH_JOBS, "train", status=complete()))
        await lab.reconcile()
        await lab.reconcile()
        assert lab.where() == (S.FINISHED, "Completed")
        assert lab.status().outputs == {"model": "m1"}


@in_virtual_time
async def test_pods_of_an_earlier_batch_job_of_the_name_say_nothing_of_this_one() -> None:
    async with scene(tracking="None") as lab:
        await lab.bring_on()
        stray = pod_body(phase="Running", worker=running(), meta=owned_by("uid-earlier"))
        lab.have(PODS, stray)
        await lab.reconcile()
        assert lab.where() == (S.QUEUED, "PodPending")


def delete(lab: Scene) -> Job:
    """Delete the job and, as the garbage collector would, its batch/v1 Job."""
    job = lab.cache.jobs[NAMESPACE, "train"]
    for kind in (JOBS, BATCH_JOBS):
        body = lab.server.read(kind, "train")
        lab.server.remove(kind, "train")
        lab.cache.drop(kind, NAMESPACE, "train", body["metadata"]["uid"])
    lab.reconciler.depart(job)
    return job


@in_virtual_time
async def test_the_runs_of_two_jobs_of_one_name_that_are_deleted_both_end() -> None:
    async with scene() as lab:
        await lab.bring_on()
        delete(lab)
        lab.have(JOBS, job_body(meta={"uid": "uid-another"}))
        # Before anything has been done about the first.
        lab.mlflow.runs |= {"r-another": "SCHEDULED"}
        another = lab.cache.jobs[NAMESPACE, "train"]
        status = another.status.model_copy(update={"mlflow_run_id": "r-another"})
        lab.reconciler.depart(another.model_copy(update={"status": status}))
        lab.server.remove(JOBS, "train")
        lab.cache.drop(JOBS, NAMESPACE, "train", another.metadata.uid)
        await lab.bring_on()
        assert list(lab.mlflow.runs.values()) == ["KILLED", "KILLED"]


@in_virtual_time
async def test_the_run_of_a_job_that_is_deleted_ends_with_it() -> None:
    async with scene() as lab:
        await lab.bring_on()
        job = delete(lab)
        await lab.bring_on()
        assert list(lab.mlflow.runs.values()) == ["KILLED"]
        assert lab.tracker.view(job.metadata.uid) == TrackingView()


@in_virtual_time
async def test_a_job_that_vanished_unnoticed_is_forgotten_when_it_is_missed() -> None:
    async with scene() as lab:
        lab.server.remove(JOBS, "train")
        await lab.reconcile()
        assert lab.cache.jobs == {}
        assert lab.server.all(BATCH_JOBS) == []


@in_virtual_time
async def test_an_expired_job_is_deleted_once_those_that_depend_on_it_know_its_end() -> None:
    status = JobStatus(state=S.FINISHED, completion_time=clock())
    first = job_body("first", ttlSecondsAfterFinished=60, status=status)
    async with scene(first, job_body("second", depends_on=["first"])) as lab:
        left = await lab.reconcile("first")
        assert left is not None
        await asyncio.sleep(left)
        assert await lab.reconcile("first") == 1
        await lab.reconcile("second")
        await lab.reconcile("first")
        assert lab.server.find(JOBS, "first") is None
        assert lab.where("second")[0] is S.QUEUED
