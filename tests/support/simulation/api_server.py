"""An API server in memory. What it was given is never changed in place."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from alidade_operator.kube.gateway import (
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
    Kind,
)
from tests.support.builders import NAMESPACE, stamp
from tests.support.simulation.chance import clock
from tests.support.simulation.pods import deleting, grace_of
from tests.support.simulation.rules import objects, refusals
from tests.support.simulation.rules.length import check_length
from tests.support.simulation.rules.merge import merged
from tests.support.simulation.rules.selectors import chosen
from tests.support.simulation.rules.text import received

KINDS = (EXPERIMENTS, QUEUES, JOBS, BATCH_JOBS, PODS)
"""Those that the operator watches."""

OURS = (EXPERIMENTS, QUEUES, JOBS)
"""Those that are defined by us."""

NAMESPACED = (*KINDS, SERVICES, EVENTS)
"""Those of which a namespace is full."""

HOME = "alidade"
"""The namespace of the operator."""

FOREGROUND: Final = "foregroundDeletion"
MAX_STORED: Final = 3 * 2**19
_STATUS_APART = (EXPERIMENTS, QUEUES, JOBS, BATCH_JOBS, PODS)
_FIRST_STATUS: dict[Kind, Body] = {BATCH_JOBS: {}, PODS: {"phase": "Pending"}}

Observer = Callable[[Kind, Body | None, Body | None], None]
News = tuple[str, Body, Body | None]
"""What happened to an object, the object, and as it was before."""
Stream = asyncio.Queue[News]
Store = dict[Kind, dict[tuple[str, str], Body]]
EXPIRED: Final = "EXPIRED"
"""What ends a watch: what happens from now on has to be found out by a list."""
BROKEN: Final = "BROKEN"
"""What ends a watch when the API server does."""


def _its_name(pod: Body) -> bytes:
    return f"this is {pod['metadata']['name']}".encode()


def _ignore(_kind: Kind, _old: Body | None, _new: Body | None) -> None:
    """Nobody looks on."""


class ApiServer:
    """Objects with their versions, and watches on them.

    Args:
        observe: Called with each change before it is made: kind, object before, object after.
        namespaces: Those that there are.
        kueue: Whether Kueue's definitions are there.
        time: Its clock.
        says: Returns what is in the log of a pod.
    """

    def __init__(
        self,
        observe: Observer = _ignore,
        namespaces: Iterable[str] = (NAMESPACE, HOME),
        *,
        kueue: bool = True,
        time: Callable[[], datetime] = clock,
        says: Callable[[Body], bytes] = _its_name,
    ) -> None:
        self._observe = observe
        self.time, self._says = time, says
        known = (*NAMESPACED, *([WORKLOADS] if kueue else []))
        self._objects: Store = {kind: {} for kind in known}
        self._objects[NAMESPACES] = {
            (name, name): {"metadata": {"name": name, "uid": f"uid-{name}", "resourceVersion": "1"}}
            for name in namespaces
        }
        self._watches: list[tuple[Kind, int, Stream]] = []
        self._past: list[tuple[Kind, int, News]] = []
        self._made = 0
        self.version = self._oldest = 100
        self.restores = self.turned_away = 0
        self.changed = asyncio.Event()

    # What there is.

    def all(self, kind: Kind, namespace: str | None = None) -> list[Body]:
        """Return the objects of a kind, those of one namespace or all."""
        found = self._kind(kind).items()
        return [body for (where, _), body in found if namespace in (None, where)]

    def find(self, kind: Kind, name: str, namespace: str = NAMESPACE) -> Body | None:
        return self._kind(kind).get((namespace, name))

    def read(self, kind: Kind, name: str, namespace: str = NAMESPACE) -> Body:
        """Return an object.

        Raises:
            NotFoundError: There is none.
        """
        found = self.find(kind, name, namespace)
        if found is None:
            raise refusals.not_found(f'{kind.plural} "{name}"')
        return found

    def select(
        self, kind: Kind, namespace: str | None, labels: str | None, fields: str | None
    ) -> Iterator[Body]:
        """Return the objects that selectors choose."""
        wanted = chosen(labels or "", fields or "")
        return (
            _in_list(kind, body)
            for (where, _), body in sorted(self._kind(kind).items())
            if namespace in (None, where) and wanted(body)
        )

    def watch(self, kind: Kind, version: int) -> Stream:
        """Return a queue of all that happened after a version, and of all that will.

        Of one that is yet to come, nothing is told until it has.
        """
        stream: Stream = asyncio.Queue()
        if version < self._oldest:
            stream.put_nowait((EXPIRED, {}, None))
        for known, at, news in self._past:
            if known == kind and at > version:
                stream.put_nowait(news)
        self._watches.append((kind, version, stream))
        return stream

    # Its backup.

    def back_up(self) -> tuple[int, Store]:
        """Return all that there is."""
        return self.version, {kind: dict(objects) for kind, objects in self._objects.items()}

    def restore(self, version: int, store: Store) -> None:
        """Have what there was, with the versions of then."""
        self.version = self._oldest = version
        self.restores += 1
        self._objects = {kind: dict(objects) for kind, objects in store.items()}
        self._past.clear()
        for *_, stream in self._watches:
            stream.put_nowait((BROKEN, {}, None))
        self._watches.clear()
        self.changed.set()

    # What is asked of it.

    def create(
        self, kind: Kind, body: Body, namespace: str = NAMESPACE, *, strict: bool = False
    ) -> Body:
        """Create an object.

        Raises:
            ApiError: It was refused.
        """
        check_length(body)
        body = received(body)
        own = body["metadata"].get("namespace", namespace)
        if own != namespace:
            raise refusals.bad_request(
                "the namespace of the object does not match that of the request"
            )
        body = {**body, "metadata": {**body["metadata"], "namespace": namespace}}
        body = objects.understood(kind, body, strict=strict)
        self._check_open(kind, str(body["metadata"].get("name")), namespace)
        if kind in _STATUS_APART:
            body = {key: value for key, value in body.items() if key != "status"}
        if kind in _FIRST_STATUS:
            body = {**body, "status": _FIRST_STATUS[kind]}
        body = objects.accepted(kind, body)
        name = body["metadata"]["name"]
        if self.find(kind, name, namespace) is not None:
            raise refusals.exists(f'{kind.plural} "{name}"')
        return self._add(kind, body, objects.completed)

    def place(self, kind: Kind, body: Body, namespace: str = NAMESPACE) -> Body:
        """Have an object as it is, by whatever rules it came: older ones, or others' own."""
        body = {**body, "metadata": {**body["metadata"], "namespace": namespace}}
        return self._add(kind, objects.read_back(kind, body))

    def patch(
        self,
        kind: Kind,
        name: str,
        patch: Body,
        namespace: str = NAMESPACE,
        *,
        status: bool = False,
    ) -> Body:
        """Merge a patch into an object, or into its status (RFC 7386).

        Raises:
            ApiError: It was refused.
        """
        check_length(patch)
        old = self.read(kind, name, namespace)
        new = objects.patched(kind, merged(old, received(patch)))
        if new["metadata"].get("resourceVersion") != old["metadata"]["resourceVersion"]:
            raise refusals.conflict("the object has been modified")
        part = _part(kind, old, new, status=status)
        return self._replace(kind, old, objects.changed(kind, old, part))

    def update(self, kind: Kind, name: str, namespace: str = NAMESPACE, **parts: Any) -> Body:
        """Replace parts of an object, whatever they are; what changes nothing is no change."""
        old = self.read(kind, name, namespace)
        return self._replace(kind, old, {**old, **parts})

    def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str = NAMESPACE,
        *,
        uid: str | None = None,
        version: str | None = None,
        foreground: bool = False,
        grace: int | None = None,
    ) -> Body | None:
        """Delete an object; return it where it stays until something is done.

        Args:
            kind: Its kind.
            name: Its name.
            namespace: Where it is.
            uid: The UID that it is to have.
            version: The version that it is to have.
            foreground: Whether what it owns goes before it.
            grace: How many seconds a pod has, None for what it is to have by itself.

        Raises:
            ApiError: It was refused.
        """
        old = self.read(kind, name, namespace)
        meta = old["metadata"]
        if uid not in (None, meta["uid"]) or version not in (None, meta["resourceVersion"]):
            raise refusals.conflict("the precondition does not match")
        finalizers = [f for f in meta.get("finalizers") or [] if f != FOREGROUND]
        finalizers += [FOREGROUND] if foreground else []
        if not finalizers and (kind != PODS or meta.get("deletionGracePeriodSeconds") == 0):
            if version and meta.get("finalizers"):
                # It has taken off what waited for dependents, has not written that, and compares
                # the version with none (apiserver's Store.Delete).
                raise refusals.conflict("the precondition does not match")
            self.remove(kind, name, namespace)
            last = {**meta, "resourceVersion": str(self.version)}
            return {**old, "metadata": last} if kind == PODS else None
        going = {"deletionTimestamp": stamp(self.time()), "deletionGracePeriodSeconds": 0} | meta
        if kind == PODS:
            seconds = grace_of(old, grace)
            ends = self.time() + timedelta(seconds=seconds)
            if meta.get("deletionGracePeriodSeconds") != seconds:
                going["deletionTimestamp"] = stamp(ends)
            going["deletionGracePeriodSeconds"] = seconds
        new = {**old, "metadata": objects.with_finalizers(going, finalizers)}
        return self._replace(kind, old, new, deletes=True)

    def read_log(self, name: str, container: str, namespace: str = NAMESPACE) -> bytes:
        """Return what a container has said.

        Raises:
            ApiError: There is no such container, or it has not said anything.
        """
        pod = self.read(PODS, name, namespace)
        if container not in {c["name"] for c in pod["spec"].get("containers") or ()}:
            raise refusals.bad_request(f"container {container} is not valid for pod {name}")
        if not pod["spec"].get("nodeName"):
            return b""
        return self._says(pod)

    def remove(self, kind: Kind, name: str, namespace: str = NAMESPACE) -> None:
        """Take an object away, at once."""
        old = self.read(kind, name, namespace)
        self._observe(kind, old, None)
        del self._objects[kind][namespace, name]
        self._tell(kind, "DELETED", self._next_version(old), old)

    def is_open(self, namespace: str) -> bool:
        """Say whether a namespace is there, and does not end."""
        found = self.find(NAMESPACES, namespace, namespace)
        return found is not None and not deleting(found)

    def end(self, namespace: str) -> None:
        """Begin to delete a namespace: nothing is created there any more."""
        old = self._objects[NAMESPACES][namespace, namespace]
        self._objects[NAMESPACES][namespace, namespace] = {
            **old,
            "metadata": {**old["metadata"], "deletionTimestamp": stamp(self.time())},
        }
        self.changed.set()

    # How it is done.

    def _kind(self, kind: Kind) -> dict[tuple[str, str], Body]:
        if kind not in self._objects:
            raise refusals.no_kind()
        return self._objects[kind]

    def _check_open(self, kind: Kind, name: str, namespace: str) -> None:
        if self.is_open(namespace):
            return
        self.turned_away += 1
        if self.find(NAMESPACES, namespace, namespace):
            raise refusals.terminating(kind, name, namespace)
        raise refusals.not_found(f'namespaces "{namespace}"')

    def _add(
        self, kind: Kind, body: Body, completed: Callable[[Kind, Body], Body] = lambda _, body: body
    ) -> Body:
        self._made += 1
        meta = {
            **body["metadata"],
            "uid": f"uid-{self._made}",
            **({"generation": 1} if kind in KINDS else {}),
            "creationTimestamp": stamp(self.time()),
        }
        return self._store(kind, completed(kind, {**body, "metadata": meta}), "ADDED")

    def _replace(self, kind: Kind, old: Body, new: Body, *, deletes: bool = False) -> Body:
        if new == old:
            return old
        meta = new["metadata"]
        going = ("deletionTimestamp" in meta) != ("deletionTimestamp" in old["metadata"])
        if "generation" in meta and (going or _asked(new) != _asked(old)):
            meta = {**meta, "generation": old["metadata"]["generation"] + 1}
        left = meta.get("finalizers") or meta.get("deletionGracePeriodSeconds")
        new = {**new, "metadata": meta}
        if "deletionTimestamp" not in meta or left:
            return self._store(kind, new, "MODIFIED")
        if deletes:
            # It is written down before it is done. Who takes the last finalizer off an object does
            # not write, and is given what he sent.
            new = self._store(kind, new, "MODIFIED")
        self.remove(kind, meta["name"], meta["namespace"])
        gone = {"resourceVersion": str(self.version)} if deletes else {}
        return {**new, "metadata": new["metadata"] | gone}

    def _store(self, kind: Kind, body: Body, change: str) -> Body:
        if len(json.dumps(body, ensure_ascii=False).encode(errors="replace")) > MAX_STORED:
            raise refusals.internal("etcdserver: request is too large")
        body = self._next_version(body)
        meta = body["metadata"]
        old = self.find(kind, meta["name"], meta["namespace"])
        self._observe(kind, old, body)
        self._objects[kind][meta["namespace"], meta["name"]] = body
        self._tell(kind, change, body, old)
        return body

    def _next_version(self, body: Body) -> Body:
        self.version += 1
        return {**body, "metadata": {**body["metadata"], "resourceVersion": str(self.version)}}

    def _tell(self, kind: Kind, change: str, body: Body, old: Body | None) -> None:
        self.changed.set()
        news = (change, body, old)
        self._past.append((kind, self.version, news))
        for watched, since, stream in self._watches:
            if watched == kind and self.version > since:
                stream.put_nowait(news)


def _asked(body: Body) -> Body:
    """Return what is asked of an object, without the node that a scheduler finds for a pod."""
    return {key: value for key, value in body.get("spec", {}).items() if key != "nodeName"}


def _in_list(kind: Kind, body: Body) -> Body:
    """Return an object as a list has it: of Kubernetes' own kinds, without its kind."""
    if kind in OURS:
        return body
    return {key: value for key, value in body.items() if key not in ("apiVersion", "kind")}


def _part(kind: Kind, old: Body, new: Body, *, status: bool) -> Body:
    """Return what a change of an object, or of its status, may change."""
    if kind not in _STATUS_APART:
        return new
    if status:
        return {**old, **{key: new[key] for key in ("status",) if key in new}}
    kept = {"status": old["status"]} if "status" in old else {}
    return {**{key: value for key, value in new.items() if key != "status"}, **kept}
