"""A cluster in memory: API server, job controller, garbage collector and kubelet.

Everything takes a random time, requests get lost on the way there or on the way back, and whoever
is in charge of an object moves on when chance says so. What is written is never changed in place.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from alidade.domain.observed import JOB_LABEL, WORKER
from alidade.kube.gateway import (
    BATCH_JOBS,
    EXPERIMENTS,
    JOBS,
    PODS,
    QUEUES,
    Body,
    ConflictError,
    ForbiddenError,
    InvalidError,
    Kind,
    NotFoundError,
    UnavailableError,
)
from tests.support.builders import NAMESPACE, stamp
from tests.support.virtual_time import now

KINDS = (EXPERIMENTS, QUEUES, JOBS, BATCH_JOBS, PODS)
EPOCH = datetime(2026, 3, 1, 12, tzinfo=UTC)
CALM_AFTER_SECONDS = 1800.0


class Chance:
    """Random times and mishaps, the same ones for the same seed; in the end all goes well."""

    def __init__(self, seed: int, mishaps: float) -> None:
        self._random = random.Random(seed)
        self._mishaps = mishaps

    def mishap(self, share: float = 1.0) -> bool:
        return self._random.random() < self._mishaps * share and now() < CALM_AFTER_SECONDS

    def choice(self, things: list[Any]) -> Any:
        return self._random.choice(things)

    async def pause(self) -> None:
        """Take a millisecond, or ten seconds, or anything between."""
        await asyncio.sleep(10 ** self._random.uniform(-3, 1))


def clock() -> datetime:
    return EPOCH + timedelta(seconds=now())


Observer = Callable[[Kind, Body | None, Body | None], None]


class ApiServer:
    """Objects of one namespace with their versions, and watches on them.

    Args:
        observe: Called with each change before it is made: kind, object before, object after.
    """

    def __init__(self, observe: Observer) -> None:
        self._observe = observe
        self._objects: dict[Kind, dict[str, Body]] = {kind: {} for kind in KINDS}
        self._watches: list[tuple[Kind, asyncio.Queue[tuple[str | None, Body]]]] = []
        self._made = 0
        self.version = 0
        self.changed = asyncio.Event()

    def all(self, kind: Kind) -> list[Body]:
        return list(self._objects[kind].values())

    def find(self, kind: Kind, name: str) -> Body | None:
        return self._objects[kind].get(name)

    def read(self, kind: Kind, name: str, uid: str | None = None) -> Body:
        found = self.find(kind, name)
        if found is None:
            raise NotFoundError(f'{kind.plural} "{name}" not found')
        if uid is not None and found["metadata"]["uid"] != uid:
            raise ConflictError("the UID in the precondition does not match")
        return found

    def create(self, kind: Kind, body: Body) -> Body:
        name = body["metadata"]["name"]
        if name in self._objects[kind]:
            raise ConflictError(f'{kind.plural} "{name}" already exists')
        self._made += 1
        meta = {
            **body["metadata"],
            "namespace": NAMESPACE,
            "uid": f"uid-{self._made}",
            "generation": 1,
            "creationTimestamp": stamp(clock()),
        }
        return self._store(kind, name, {**body, "metadata": meta}, "ADDED")

    def update(self, kind: Kind, name: str, **parts: Any) -> Body:
        """Replace parts of an object; what changes nothing is no change."""
        old = self.read(kind, name)
        new = {**old, **parts}
        if new == old:
            return old
        if new.get("spec") != old.get("spec"):
            generation = old["metadata"]["generation"] + 1
            new["metadata"] = {**new["metadata"], "generation": generation}
        return self._store(kind, name, new, "MODIFIED")

    def remove(self, kind: Kind, name: str) -> None:
        old = self._objects[kind][name]
        self._observe(kind, old, None)
        del self._objects[kind][name]
        self._tell(kind, "DELETED", self._next_version(old))

    def watch(self, kind: Kind) -> asyncio.Queue[tuple[str | None, Body]]:
        """Return a queue of what is there and of all that happens from now on."""
        stream: asyncio.Queue[tuple[str | None, Body]] = asyncio.Queue()
        for body in self.all(kind):
            stream.put_nowait((None, body))
        self._watches.append((kind, stream))
        return stream

    def _store(self, kind: Kind, name: str, body: Body, change: str) -> Body:
        body = self._next_version(body)
        self._observe(kind, self.find(kind, name), body)
        self._objects[kind][name] = body
        self._tell(kind, change, body)
        return body

    def _next_version(self, body: Body) -> Body:
        self.version += 1
        return {**body, "metadata": {**body["metadata"], "resourceVersion": str(self.version)}}

    def _tell(self, kind: Kind, change: str, body: Body) -> None:
        self.changed.set()
        for watched, stream in self._watches:
            if watched == kind:
                stream.put_nowait((change, body))


class UnreliableGateway:
    """The way from one operator to the API server and back.

    Args:
        server: The API server.
        chance: What becomes of requests.
        done: Called after each request that changed something.
    """

    def __init__(self, server: ApiServer, chance: Chance, done: Callable[[], None]) -> None:
        self._server = server
        self._chance = chance
        self._done = done

    async def list_all(
        self, kind: Kind, namespace: str | None, selector: str | None = None
    ) -> AsyncIterator[Body]:
        await self._there()
        key, _, value = (selector or "").partition("=")
        for body in self._server.all(kind):
            labels = body["metadata"].get("labels", {})
            if not key or (key in labels and value in ("", labels[key])):
                await self._chance.pause()
                yield body

    async def get(self, kind: Kind, namespace: str, name: str) -> Body:
        await self._there()
        return await self._back(self._server.read(kind, name))

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        await self._there()
        if self._chance.mishap(0.3):
            raise ForbiddenError("exceeded quota: jobs")
        created = self._server.create(kind, {**body, "status": {}})
        self._done()
        return await self._back(created)

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Body) -> Body:
        await self._there()
        old = self._server.read(kind, name, patch["metadata"]["uid"])
        spec = _merged(old["spec"], patch["spec"])
        if spec["template"] != old["spec"]["template"] and not old["spec"]["suspend"]:
            raise InvalidError("spec.template: Invalid value: field is immutable")
        patched = self._server.update(kind, name, spec=spec)
        self._done()
        return await self._back(patched)

    async def apply_status(self, kind: Kind, namespace: str, name: str, body: Body) -> Body:
        await self._there()
        self._server.read(kind, name, body["metadata"]["uid"])
        applied = self._server.update(kind, name, status=body["status"])
        self._done()
        return await self._back(applied)

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        await self._there()
        self._server.read(kind, name, uid)
        self._server.remove(kind, name)
        self._done()
        await self._back({})

    async def record_event(self, namespace: str, event: Body) -> None:
        await self._there()

    async def _there(self) -> None:
        await self._chance.pause()
        if self._chance.mishap():
            raise UnavailableError("the request was lost")

    async def _back(self, answer: Body) -> Body:
        await self._chance.pause()
        if self._chance.mishap():
            raise UnavailableError("the answer was lost")
        return answer


def _merged(base: Any, patch: Any) -> Any:
    if not isinstance(patch, dict) or not isinstance(base, dict):
        return patch
    return {**base, **{key: _merged(base.get(key), value) for key, value in patch.items()}}


class Fate(StrEnum):
    """What becomes of one attempt at a job."""

    WELL = "ends well"
    BADLY = "fails"
    KILLED = "is killed for its memory"
    EVICTED = "is evicted"
    STUCK = "never gets its image"


Move = Callable[[], None]


class Cluster:
    """Those who act on objects beside the operator and the user.

    Args:
        server: The API server.
        chance: Who moves next, and when.
        fate: What becomes of an attempt at a job, by the job's name and the attempt's number.
        worker: Called with a pod that starts, and with the fate of one that ends.
    """

    def __init__(
        self,
        server: ApiServer,
        chance: Chance,
        fate: Callable[[str, int], Fate],
        worker: Callable[[Body, Fate | None], None],
    ) -> None:
        self._server = server
        self._chance = chance
        self._fate = fate
        self._worker = worker
        self._pods_made = 0

    async def run(self) -> None:
        """Let everybody act until cancelled."""
        while True:
            await self._chance.pause()
            moves = [*self._job_controller(), *self._garbage_collector(), *self._kubelet()]
            if moves:
                self._chance.choice(moves)()
            else:
                self._server.changed.clear()
                await self._server.changed.wait()

    def _job_controller(self) -> Iterator[Move]:
        for job in self._server.all(BATCH_JOBS):
            if not ended(job):
                yield from self._sync(job)

    def _sync(self, job: Body) -> Iterator[Move]:
        uid, status = job["metadata"]["uid"], job["status"]
        pods = [pod for pod in self._server.all(PODS) if _owner(pod) == uid]
        active = [pod for pod in pods if not _over(pod) and not _deleting(pod)]
        over = [pod for pod in pods if _over(pod)]
        succeeded = sum(pod["status"]["phase"] == "Succeeded" for pod in over)
        failed = sum(pod["status"]["phase"] == "Failed" and not _disrupted(pod) for pod in over)
        if (succeeded, failed) != (status.get("succeeded", 0), status.get("failed", 0)):
            yield partial(self._report, job, succeeded=succeeded, failed=failed)
        elif succeeded:
            yield partial(self._report, job, conditions=[_true("Complete", "CompletionsReached")])
        elif failed > job["spec"]["backoffLimit"]:
            yield partial(self._report, job, conditions=[_true("Failed", "BackoffLimitExceeded")])
        elif job["spec"]["suspend"]:
            yield from (partial(self._stop, pod) for pod in active)
        elif not active and not any(map(_deleting, pods)):
            yield partial(self._make_pod, job, attempt=len(over))

    def _garbage_collector(self) -> Iterator[Move]:
        owners = {b["metadata"]["uid"] for k in (JOBS, BATCH_JOBS) for b in self._server.all(k)}
        for job in self._server.all(BATCH_JOBS):
            if _owner(job) not in owners:
                yield partial(self._server.remove, BATCH_JOBS, job["metadata"]["name"])
        for pod in self._server.all(PODS):
            if _owner(pod) not in owners and not _deleting(pod):
                yield partial(self._stop, pod)

    def _kubelet(self) -> Iterator[Move]:
        for pod in self._server.all(PODS):
            if _deleting(pod):
                yield partial(self._server.remove, PODS, pod["metadata"]["name"])
            elif not _over(pod):
                yield from self._bring_on(pod)

    def _bring_on(self, pod: Body) -> Iterator[Move]:
        labels = pod["metadata"]["labels"]
        fate = self._fate(labels[JOB_LABEL], int(labels["attempt"]))
        state = pod["status"]["containerStatuses"][0]["state"]
        if pod["status"]["phase"] == "Running":
            yield partial(self._end, pod, fate)
        elif fate is not Fate.STUCK:
            yield partial(self._start, pod)
        elif not state:
            yield partial(self._show, pod, "Pending", waiting={"reason": "ErrImagePull"})

    def _start(self, pod: Body) -> None:
        self._worker(pod, None)
        self._show(pod, "Running", running={"startedAt": stamp(clock())})

    def _end(self, pod: Body, fate: Fate) -> None:
        self._worker(pod, fate)
        job = pod["metadata"]["labels"][JOB_LABEL]
        ended = {
            "startedAt": pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"],
            "exitCode": {Fate.WELL: 0, Fate.BADLY: 1}.get(fate, 137),
            "reason": {Fate.WELL: "Completed", Fate.KILLED: "OOMKilled"}.get(fate, "Error"),
            "message": f'{{"model": "{job}-model"}}' if fate is Fate.WELL else "",
        }
        disruption = [_true("DisruptionTarget", "TerminationByKubelet")]
        self._show(
            pod,
            "Succeeded" if fate is Fate.WELL else "Failed",
            conditions=disruption if fate is Fate.EVICTED else [],
            terminated=ended,
        )

    def _show(
        self, pod: Body, phase: str, conditions: list[Body] | None = None, **state: Body
    ) -> None:
        status = {
            "phase": phase,
            "conditions": [_true("PodScheduled", ""), *(conditions or [])],
            "containerStatuses": [{"name": WORKER, "state": state}],
        }
        self._server.update(PODS, pod["metadata"]["name"], status=status)

    def _make_pod(self, job: Body, attempt: int) -> None:
        self._pods_made += 1
        template = job["spec"]["template"]
        meta = {
            **template["metadata"],
            "name": f"{job['metadata']['name']}-{self._pods_made}",
            "labels": {**template["metadata"]["labels"], "attempt": str(attempt)},
            "ownerReferences": [{"uid": job["metadata"]["uid"], "controller": True}],
        }
        status = {
            "phase": "Pending",
            "conditions": [_true("PodScheduled", "")],
            "containerStatuses": [{"name": WORKER, "state": {}}],
        }
        spec = {**template["spec"], "nodeName": "node-1"}
        self._server.create(PODS, {"metadata": meta, "spec": spec, "status": status})

    def _report(self, job: Body, **fields: Any) -> None:
        name = job["metadata"]["name"]
        self._server.update(BATCH_JOBS, name, status={**job["status"], **fields})

    def _stop(self, pod: Body) -> None:
        meta = {**pod["metadata"], "deletionTimestamp": stamp(clock())}
        self._server.update(PODS, pod["metadata"]["name"], metadata=meta)


def ended(job: Body) -> bool:
    """Whether the job controller is done with a batch/v1 Job."""
    return bool(job["status"].get("conditions"))


def _owner(body: Body) -> str:
    return str(body["metadata"]["ownerReferences"][0]["uid"])


def _deleting(body: Body) -> bool:
    return "deletionTimestamp" in body["metadata"]


def _over(pod: Body) -> bool:
    return pod["status"]["phase"] in ("Succeeded", "Failed")


def _disrupted(pod: Body) -> bool:
    return any(c["type"] == "DisruptionTarget" for c in pod["status"]["conditions"])


def _true(kind: str, reason: str) -> Body:
    return {
        "type": kind,
        "status": "True",
        "reason": reason,
        "lastTransitionTime": stamp(clock()),
    }
