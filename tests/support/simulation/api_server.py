"""An API server in memory. What it was given is never changed in place."""

import asyncio
from collections.abc import Callable
from typing import Any

from alidade.kube.gateway import (
    BATCH_JOBS,
    EVENTS,
    EXPERIMENTS,
    JOBS,
    NAMESPACES,
    PODS,
    QUEUES,
    SERVICES,
    WORKLOADS,
    Body,
    ConflictError,
    Kind,
    NotFoundError,
)
from tests.support.builders import NAMESPACE, stamp
from tests.support.simulation.chance import clock

KINDS = (EXPERIMENTS, QUEUES, JOBS, BATCH_JOBS, PODS)
"""Those that the operator watches."""

HOME = "alidade"
"""The namespace of the operator."""

Observer = Callable[[Kind, Body | None, Body | None], None]
Stream = asyncio.Queue[tuple[str | None, Body]]


class ApiServer:
    """Objects of one namespace with their versions, and watches on them.

    Args:
        observe: Called with each change before it is made: kind, object before, object after.
    """

    def __init__(self, observe: Observer) -> None:
        self._observe = observe
        self._objects: dict[Kind, dict[str, Body]] = {
            kind: {} for kind in (*KINDS, SERVICES, WORKLOADS, EVENTS)
        }
        self._objects[NAMESPACES] = {HOME: {"metadata": {"name": HOME, "uid": f"uid-{HOME}"}}}
        self._watches: list[tuple[Kind, Stream]] = []
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

    def watch(self, kind: Kind) -> Stream:
        """Return a queue of what is there and of all that happens from now on."""
        stream: Stream = asyncio.Queue()
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
