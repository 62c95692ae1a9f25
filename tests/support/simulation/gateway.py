"""The way from the operator to the API server and back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from alidade.kube.gateway import (
    PODS,
    Body,
    Change,
    ConflictError,
    ForbiddenError,
    InvalidError,
    Kind,
    Page,
    UnavailableError,
)
from tests.support.builders import stamp
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance, clock


class UnreliableGateway:
    """A gateway on which requests and answers take their time, and get lost.

    Args:
        server: The API server.
        chance: What becomes of requests.
        done: Called after each request that changed something.
    """

    def __init__(self, server: ApiServer, chance: Chance, done: Callable[[], None]) -> None:
        self._server = server
        self._chance = chance
        self._done = done

    async def list_pages(
        self,
        kind: Kind,
        namespace: str | None,
        selector: str | None = None,
        *,
        fields: str | None = None,
    ) -> AsyncIterator[Page]:
        await self._there()
        key, _, value = (selector or "").partition("=")
        version = str(self._server.version)
        for body in self._server.all(kind):
            meta = body["metadata"]
            labels = meta.get("labels", {})
            chosen = not key or (key in labels and value in ("", labels[key]))
            # Events, of which only those that regard one object are asked for.
            chosen &= not fields or f"regarding.uid={body['regarding']['uid']}" in fields
            if chosen and namespace in (None, meta["namespace"]):
                await self._chance.pause()
                yield Page((body,), version)
        yield Page((), version)

    async def list_all(
        self,
        kind: Kind,
        namespace: str | None,
        selector: str | None = None,
        *,
        fields: str | None = None,
    ) -> AsyncIterator[Body]:
        async for page in self.list_pages(kind, namespace, selector, fields=fields):
            for body in page.items:
                yield body

    async def watch(
        self, kind: Kind, namespace: str | None, selector: str | None, version: str
    ) -> AsyncIterator[Change]:
        # What happens is told by the world, in its own time.
        await asyncio.Event().wait()
        yield Change("BOOKMARK", {})

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
        old = self._meant(kind, name, patch)
        meta = _merged(old["metadata"], patch["metadata"])
        spec = _merged(old["spec"], patch.get("spec", {}))
        if spec["template"] != old["spec"]["template"] and not old["spec"]["suspend"]:
            raise InvalidError("spec.template: Invalid value: field is immutable")
        patched = self._server.update(kind, name, metadata=meta, spec=spec)
        self._done()
        return await self._back(patched)

    async def patch_status(self, kind: Kind, namespace: str, name: str, patch: Body) -> Body:
        await self._there()
        old = self._meant(kind, name, patch)
        status = _merged(old.get("status", {}), patch["status"])
        patched = self._server.update(kind, name, status=status)
        self._done()
        return await self._back(patched)

    def _meant(self, kind: Kind, name: str, patch: Body) -> Body:
        """Return the object that a patch is for, if it is still the one that it was made for."""
        meant = patch["metadata"]
        found = self._server.read(kind, name, meant["uid"])
        if meant.get("resourceVersion") not in (None, found["metadata"]["resourceVersion"]):
            raise ConflictError(f"{name} has been modified; look at it again")
        return found

    async def delete(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        uid: str,
        *,
        foreground: bool = False,
        version: str | None = None,
    ) -> Body | None:
        await self._there()
        old = self._server.read(kind, name, uid)
        if version not in (None, old["metadata"]["resourceVersion"]):
            raise ConflictError("the version in the precondition does not match")
        if foreground:
            meta = {"deletionTimestamp": stamp(clock()), **old["metadata"]}
            going = self._server.update(kind, name, metadata=meta)
            self._done()
            return await self._back(going)
        self._server.remove(kind, name)
        self._done()
        await self._back({})
        return None

    async def read_log(self, namespace: str, pod: str, container: str, *, tail_lines: int) -> bytes:
        await self._there()
        self._server.read(PODS, pod)
        return f"{container} of {pod}".encode()

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
    """Merge a patch as RFC 7386 has it."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged
