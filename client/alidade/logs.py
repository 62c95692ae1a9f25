"""A job's logs: of all attempts and replicas, from the pods that are there, else from MLflow."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from alidade.errors import AlidadeError, ForbiddenError, LogsGoneError, NotFoundError
from alidade.k8s.connection import Kube
from alidade.k8s.kinds import PODS
from alidade.k8s.patience import patiently
from alidade.mlflow.rest import Mlflow
from alidade_core.api.base import GROUP
from alidade_core.api.job import Job

Body = dict[str, Any]

FOLDER: Final = "logs"
WORKER: Final = "worker"
_PAUSE_SECONDS: Final = 1.0
_ENDS: Final = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True)
class LogLine:
    """A line of a log.

    Attributes:
        pod: The pod that said it.
        container: The container.
        text: The line, without its end.
        archived: Whether it comes from MLflow, as the pod is gone.
    """

    pod: str
    container: str
    text: str
    archived: bool = False


@dataclass(frozen=True)
class Sources:
    """Where logs are.

    Attributes:
        kube: The API server.
        job: Reads the job as it is now.
        mlflow: Opens the way to MLflow.
    """

    kube: Kube
    job: Callable[[], Awaitable[Job]]
    mlflow: Callable[[], Awaitable[Mlflow]]


async def lines(sources: Sources, *, follow: bool) -> AsyncGenerator[LogLine, None]:
    """Yield the lines of all attempts in their order, of replicas as they come.

    Args:
        sources: Where they are.
        follow: Whether to go on until the job has ended.

    Raises:
        LogsGoneError: They are nowhere any more.
        ForbiddenError: They are in pods alone, which this user may not read.
    """
    job = await sources.job()
    pods, forbidden = await _readable_pods(sources.kube, job)
    said = set()
    async for line in _archived(sources, job, {pod["metadata"]["name"] for pod in pods}):
        said.add(line.pod)
        yield line
    if forbidden is not None:
        if not {attempt.pod for attempt in job.status.attempts} <= said:
            raise forbidden
        return
    if not follow:
        for pod in pods:
            for container in _logged(pod):
                async for text in _live(sources.kube, pod, container, follow=False):
                    yield text
        if not pods and not said and job.status.ended:
            raise LogsGoneError(_nowhere(job))
        return
    async for line in _Followed(sources, said).lines():
        yield line


def _nowhere(job: Job) -> str:
    why = (
        "its pods are gone, and MLflow has none of them" if job.status.attempts else "it never ran"
    )
    return f"there are no logs of job '{job.metadata.name}': {why}"


class _Followed:
    """Reads pods as they come, each in a task of its own, until the job has ended.

    Args:
        sources: Where logs are.
        said: Pods of which all was said.
    """

    def __init__(self, sources: Sources, said: Iterable[str]) -> None:
        self._sources = sources
        self._begun = {(pod, WORKER) for pod in said}
        self._readers: set[asyncio.Task[None]] = set()
        self._lines: asyncio.Queue[LogLine | Exception | None] = asyncio.Queue()

    async def lines(self) -> AsyncIterator[LogLine]:
        """Yield the lines as they are said."""
        looking = asyncio.create_task(self._look())
        try:
            while (line := await self._lines.get()) is not None:
                if isinstance(line, Exception):
                    raise line
                yield line
        finally:
            for task in (looking, *self._readers):
                task.cancel()

    async def _look(self) -> None:
        last: Exception | None = None
        try:
            while not await patiently(self._ended):  # noqa: ASYNC110 (it is another machine that knows)
                await asyncio.sleep(_PAUSE_SECONDS)
            await asyncio.gather(*self._readers)
        except AlidadeError as error:
            last = error
        await self._lines.put(last)

    async def _ended(self) -> bool:
        """Begin to read what is new; say whether the job had ended before."""
        job = await self._sources.job()
        for pod in await _pods(self._sources.kube, job):
            for container in _logged(pod):
                if (key := (_name(pod), container)) not in self._begun:
                    self._begun.add(key)
                    self._readers.add(asyncio.create_task(self._read(pod, container)))
        return job.status.ended

    async def _read(self, pod: Body, container: str) -> None:
        # One that is gone before it was read is in MLflow after a while.
        with contextlib.suppress(NotFoundError):
            async for line in _live(self._sources.kube, pod, container, follow=True):
                await self._lines.put(line)


async def _readable_pods(kube: Kube, job: Job) -> tuple[list[Body], ForbiddenError | None]:
    """Return the job's pods; of a job that has ended none where they may not be read, and why."""
    try:
        return await _pods(kube, job), None
    except ForbiddenError as error:
        if not job.status.ended:
            raise
        return [], error


async def _pods(kube: Kube, job: Job) -> list[Body]:
    """Return the job's pods in the order of their creation."""
    selector = f"{GROUP}/job-uid={job.metadata.uid}"
    found = await kube.list(PODS, job.metadata.namespace, labelSelector=selector)
    return sorted(found, key=lambda pod: (pod["metadata"]["creationTimestamp"], _name(pod)))


def _name(pod: Body) -> str:
    return str(pod["metadata"]["name"])


def _logged(pod: Body) -> list[str]:
    """Return the containers that have said something: the worker, and what failed before it."""
    status = pod.get("status", {})
    first = [
        each["name"]
        for each in status.get("initContainerStatuses", ())
        if each.get("state", {}).get("terminated", {}).get("exitCode")
    ]
    started = [
        each["name"]
        for each in status.get("containerStatuses", ())
        if each["name"] == WORKER and set(each.get("state", {})) & {"running", "terminated"}
    ]
    return first + started


async def _live(kube: Kube, pod: Body, container: str, *, follow: bool) -> AsyncIterator[LogLine]:
    name, namespace = _name(pod), pod["metadata"]["namespace"]
    goes_on = follow and pod.get("status", {}).get("phase") not in _ENDS
    async for text in kube.log(name, container, namespace, follow=goes_on):
        yield LogLine(name, container, text)


async def _archived(sources: Sources, job: Job, there: set[str]) -> AsyncIterator[LogLine]:
    """Yield the lines of pods that are gone, which MLflow keeps."""
    run_id, known = job.status.mlflow_run_id, [each.pod for each in job.status.attempts]
    more = job.status.attempt_count > len(known) or job.spec.replicas > 1
    if run_id is None or not (set(known) - there or (more and job.status.ended)):
        return
    mlflow = await sources.mlflow()
    folders = [each["path"] for each in await mlflow.artifacts(run_id, FOLDER) if each["is_dir"]]
    order = {f"{FOLDER}/{pod}": number for number, pod in enumerate(known)}
    for folder in sorted(folders, key=lambda path: (order.get(path, len(order)), path)):
        pod = folder.rpartition("/")[2]
        if pod in there:
            continue
        for file in await mlflow.artifacts(run_id, folder):
            container = file["path"].rpartition("/")[2].removesuffix(".log")
            for text in (await mlflow.text(run_id, file["path"])).splitlines():
                yield LogLine(pod, container, text, archived=True)
