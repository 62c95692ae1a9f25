"""What is odd in one namespace delays no job of another, measured on the virtual clock."""

import asyncio
import errno
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState
from alidade_operator.decide.run_owner import NAMESPACE_TAG
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    EXPERIMENTS,
    JOBS,
    PODS,
    QUEUES,
    ApiError,
    Body,
    ForbiddenError,
    Kind,
    UnavailableError,
)
from alidade_operator.loop.engine import Engine
from alidade_operator.objects.well_known import JOB_LABEL, WORKER
from alidade_operator.ops.settings import Settings
from alidade_operator.tracking.tracking import TrackingError
from tests.support.builders import (
    NAMESPACE,
    experiment_body,
    failed,
    job_body,
    owner_reference,
    pod_body,
    queue_body,
    running,
    terminated,
)
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance, clock
from tests.support.simulation.gateway import UnreliableGateway
from tests.support.simulation.mlflow import Mlflow
from tests.support.simulation.news import UnreliableNews
from tests.support.virtual_time import now, run

THEIRS = "theirs"
MANY = 50
"""Jobs of the other namespace: more than there are workers, readers or slots of any kind."""
SECONDS = 20
"""For how long each pod runs."""
WHEN = (100, 110, 121, 131)
"""When ours are created: as theirs begin, as they end, and while what they left is dealt with."""
HANGS = 30.0
"""Longer than any request is waited for."""
BOUND = 2.0
"""By how many seconds ours may start or end later. Times in a status have whole seconds, so that
one may be due to that; another is for the requests that take their turns with ours, of 10 ms each.
What is waited for of theirs takes ten seconds at the least."""


class Even(Chance):
    """Everything takes as long as ever, and goes well."""

    def __init__(self) -> None:
        super().__init__(0, 0.0)

    async def pause(self) -> None:
        await asyncio.sleep(0.01)


class Way(UnreliableGateway):
    """A gateway on which the other namespace's requests fare as a test says."""

    def __init__(self, server: ApiServer) -> None:
        super().__init__(server, Even(), lambda: None)
        self.log: Callable[[], Awaitable[bytes]] | None = None
        self.write: Callable[[], Awaitable[None]] | None = None

    async def read_log(self, namespace: str, pod: str, container: str, *, tail_lines: int) -> bytes:
        if self.log and namespace == THEIRS:
            return await self.log()
        return await super().read_log(namespace, pod, container, tail_lines=tail_lines)

    async def log_begins(self, namespace: str, pod: str, container: str) -> str | None:
        if self.log and namespace == THEIRS:
            await self.log()
        return await super().log_begins(namespace, pod, container)

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        await self._meet(namespace)
        return await super().create(kind, namespace, body)

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Body) -> Body:
        await self._meet(namespace)
        return await super().patch(kind, namespace, name, patch)

    async def patch_status(self, kind: Kind, namespace: str, name: str, patch: Body) -> Body:
        await self._meet(namespace)
        return await super().patch_status(kind, namespace, name, patch)

    async def record_event(self, namespace: str, event: Body) -> None:
        await self._meet(namespace)
        await super().record_event(namespace, event)

    async def _meet(self, namespace: str) -> None:
        if self.write and namespace == THEIRS:
            await self.write()


class Tracking(Mlflow):
    """An MLflow that answers for the other namespace's runs as a test says."""

    def __init__(self) -> None:
        super().__init__(Even())
        self.requests: Callable[[], Awaitable[None]] | None = None
        self.uploads: Callable[[], Awaitable[None]] | None = None

    async def ensure_run(
        self, experiment_id: str, name: str, tags: dict[str, str], *, search: bool
    ) -> str:
        if self.requests and tags[NAMESPACE_TAG] == THEIRS:
            await self.requests()
        return await super().ensure_run(experiment_id, name, tags, search=search)

    async def end_run(
        self, run_id: str, uid: str, end: str, tags: dict[str, str], parameters: dict[str, str]
    ) -> bool:
        if self.requests and self.tags[run_id][NAMESPACE_TAG] == THEIRS:
            await self.requests()
        return await super().end_run(run_id, uid, end, tags, parameters)

    async def log_artifact(self, run_id: str, uid: str, file: Path, folder: str) -> None:
        if self.uploads and self.tags[run_id][NAMESPACE_TAG] == THEIRS:
            await self.uploads()
        await super().log_artifact(run_id, uid, file, folder)


class Scene:
    """Two namespaces, each with an experiment, a queue and jobs of which every pod fails."""

    def __init__(self) -> None:
        self.server = ApiServer(namespaces=(NAMESPACE, THEIRS))
        self.way = Way(self.server)
        self.mlflow = Tracking()
        settings = Settings(tracking_uri="http://mlflow", resync_seconds=100)
        news = UnreliableNews(self.server, Even())
        self.engine = Engine(self.way, news, self.mlflow, settings, clock)
        for namespace in (NAMESPACE, THEIRS):
            self.create(EXPERIMENTS, experiment_body(), namespace)
            self.create(QUEUES, queue_body(), namespace)

    def create(self, kind: Kind, body: Body, namespace: str) -> None:
        meta = {**body["metadata"], "namespace": namespace}
        self.server.create(kind, {**body, "metadata": meta, "status": {}}, namespace)

    def place(self, kind: Kind, number: int, **parts: Any) -> None:
        """Have something of theirs that is as no API server has it."""
        bodies = {
            PODS: pod_body,
            BATCH_JOBS: job_body,
            JOBS: job_body,
            QUEUES: queue_body,
            EXPERIMENTS: experiment_body,
        }
        body: Body = bodies[kind](f"odd-{number}")
        self.server.place(kind, {**body, **parts}, THEIRS)

    async def play_cluster(self) -> None:
        """Run pods, and have them fail."""
        began: dict[str, float] = {}
        while True:
            await asyncio.sleep(0.1)
            for batch in self.server.all(BATCH_JOBS):
                uid = batch["metadata"]["uid"]
                if not isinstance(batch["spec"], dict) or batch["spec"].get("suspend") is not False:
                    continue
                if uid not in began:
                    began[uid] = now()
                    self._start(batch)
                elif now() - began[uid] >= SECONDS and not batch["status"].get("failed"):
                    self._fail(batch)

    def _start(self, batch: Body) -> None:
        name, namespace = batch["metadata"]["name"], batch["metadata"]["namespace"]
        told = batch["spec"]["template"]["metadata"]
        meta = {
            "labels": told["labels"],
            "annotations": told["annotations"],
            "ownerReferences": [owner_reference("batch", name, batch["metadata"]["uid"])],
        }
        self.server.update(
            BATCH_JOBS,
            name,
            namespace,
            status={"active": 1, "conditions": [{"type": "Suspended", "status": "False"}]},
        )
        containers = {"nodeName": "node-1", "containers": [{"name": WORKER}]}
        pod = pod_body(f"{name}-x", job=name, phase="Running", worker=running(clock()), meta=meta)
        self.server.place(PODS, {**pod, "spec": containers}, namespace)

    def _fail(self, batch: Body) -> None:
        name, namespace = batch["metadata"]["name"], batch["metadata"]["namespace"]
        pod = self.server.read(PODS, f"{name}-x", namespace)
        (told,) = pod["status"]["containerStatuses"]
        began = datetime.fromisoformat(told["state"]["running"]["startedAt"])
        ended = terminated(1, started=began, finished=clock())
        status = {
            **pod["status"],
            "phase": "Failed",
            "containerStatuses": [told | {"state": ended}],
        }
        self.server.update(PODS, f"{name}-x", namespace, status=status)
        self.server.update(BATCH_JOBS, name, namespace, status=failed())


Trouble = Callable[[Scene], None]


async def hang() -> None:
    await asyncio.sleep(HANGS)


def odd_objects(scene: Scene) -> None:
    for number in range(MANY):
        owned = {**pod_body(f"odd-{number}")["metadata"], "labels": {JOB_LABEL: "job-1"}}
        scene.place(PODS, number, metadata=owned, status={"phase": ["Running"]}, spec=None)
        scene.place(BATCH_JOBS, number, metadata=owned, spec={"suspend": {}}, status={"failed": {}})
        for kind in (JOBS, QUEUES, EXPERIMENTS):
            scene.place(kind, number, spec={"experiment": 3, "workflow": 3, "maxRunning": "many"})


def dead_nodes(scene: Scene) -> None:
    async def log() -> bytes:
        await asyncio.sleep(1000)
        raise UnavailableError("dial tcp 10.0.0.3:10250: i/o timeout")

    scene.way.log = log


def long_logs(scene: Scene) -> None:
    async def log() -> bytes:
        await asyncio.sleep(1)
        return b"x" * 2**20

    scene.way.log = log
    scene.mlflow.uploads = hang


def answers_of_mlflow(error: TrackingError) -> Trouble:
    async def refuse() -> None:
        await asyncio.sleep(HANGS / 2)
        raise error

    def trouble(scene: Scene) -> None:
        scene.mlflow.requests = scene.mlflow.uploads = refuse

    return trouble


def refused_writes(error: ApiError) -> Trouble:
    async def refuse() -> None:
        await hang()
        raise error

    def trouble(scene: Scene) -> None:
        scene.way.write = refuse

    return trouble


TROUBLES: dict[str, Trouble] = {
    "objects that cannot be read": odd_objects,
    "nodes that are dead": dead_nodes,
    "logs without end": long_logs,
    "MLflow asks one to wait": answers_of_mlflow(
        TrackingError("answers 429: later", unreachable=True, status=429, retry_after=100)
    ),
    "MLflow takes no end": answers_of_mlflow(
        TrackingError("answers 413: too large", unreachable=False, status=413)
    ),
    "a proxy's page": answers_of_mlflow(
        TrackingError("answers 502: <html>", unreachable=True, status=502)
    ),
    "a policy": refused_writes(ForbiddenError("denied by a policy", code=403)),
    "a webhook that is away": refused_writes(
        UnavailableError("failed calling webhook: context deadline exceeded", code=500)
    ),
}


@cache
def measured(trouble: Trouble | None) -> list[tuple[float, float]]:
    """Return after how many seconds jobs of ours started, and ended, beside trouble of theirs."""
    with structlog.testing.capture_logs():
        return run(_measure(trouble))


async def _measure(trouble: Trouble | None) -> list[tuple[float, float]]:
    scene = Scene()
    if trouble:
        trouble(scene)
    tasks = [asyncio.create_task(part()) for part in (scene.engine.run, scene.play_cluster)]
    await asyncio.sleep(WHEN[0])
    if trouble:
        for number in range(MANY):
            scene.create(JOBS, job_body(f"job-{number}"), THEIRS)
    for at in WHEN:
        await asyncio.sleep(at - now())
        scene.create(JOBS, job_body(f"at-{at}"), NAMESPACE)
    await asyncio.sleep(100)
    for task in tasks:
        assert not task.done()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return [_times(Job.model_validate(scene.server.read(JOBS, f"at-{at}"))) for at in WHEN]


def _times(job: Job) -> tuple[float, float]:
    created, status = job.metadata.creation_timestamp, job.status
    assert status.state is JobState.FAILED
    assert created
    assert status.start_time
    assert status.completion_time
    return (
        (status.start_time - created).total_seconds(),
        (status.completion_time - created).total_seconds(),
    )


def check(trouble: Trouble) -> None:
    alone, beside = measured(None), measured(trouble)
    for once, then in zip(alone, beside, strict=True):
        assert all(abs(a - b) <= BOUND for a, b in zip(once, then, strict=True)), (alone, beside)


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_a_job_starts_and_ends_when_it_would_alone(trouble: Trouble) -> None:
    check(trouble)


@contextmanager
def full_disk() -> Iterator[None]:
    def write(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_bytes", write)
        yield


def test_a_job_starts_and_ends_when_it_would_though_no_log_can_be_kept() -> None:
    measured(None)
    with full_disk():
        check(lambda _: None)
