"""The way from the operator to the API server and back."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from alidade.kube.gateway import (
    PODS,
    Body,
    ConflictError,
    ForbiddenError,
    InvalidError,
    Kind,
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

    async def list_all(
        self,
        kind: Kind,
        namespace: str | None,
        selector: str | None = None,
        *,
        fields: str | None = None,
    ) -> AsyncIterator[Body]:
        await self._there()
        key, _, value = (selector or "").partition("=")
        for body in self._server.all(kind):
            meta = body["metadata"]
            labels = meta.get("labels", {})
            chosen = not key or (key in labels and value in ("", labels[key]))
            # Events, of which only those that regard one object are asked for.
            chosen &= not fields or f"regarding.uid={body['regarding']['uid']}" in fields
            if chosen and namespace in (None, meta["namespace"]):
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
        meta = _merged(old["metadata"], patch["metadata"])
        spec = _merged(old["spec"], patch["spec"])
        if spec["template"] != old["spec"]["template"] and not old["spec"]["suspend"]:
            raise InvalidError("spec.template: Invalid value: field is immutable")
        patched = self._server.update(kind, name, metadata=meta, spec=spec)
        self._done()
        return await self._back(patched)

    async def apply_status(self, kind: Kind, namespace: str, name: str, body: Body) -> Body:
        await self._there()
        self._server.read(kind, name, body["metadata"]["uid"])
        applied = self._server.update(kind, name, status=body["status"])
        self._done()
        return await self._back(applied)

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
    if not isinstance(patch, dict) or not isinstance(base, dict):
        return patch
    return {**base, **{key: _merged(base.get(key), value) for key, value in patch.items()}}
