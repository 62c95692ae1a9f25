"""The way from the operator to the API server and back."""

import asyncio
from collections.abc import AsyncIterator, Callable

from alidade.kube.gateway import (
    EVENTS,
    Body,
    Change,
    Kind,
    Page,
    UnavailableError,
)
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance
from tests.support.simulation.rules import refusals


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
        version = str(self._server.version)
        for body in self._server.select(kind, namespace, selector, fields):
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
        return await self._back(self._server.read(kind, name, namespace))

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        await self._there()
        if self._chance.mishap(0.3):
            raise refusals.over_quota(kind)
        created = self._server.create(kind, body, namespace, strict=True)
        self._done()
        return await self._back(created)

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Body) -> Body:
        await self._there()
        patched = self._server.patch(kind, name, patch, namespace)
        self._done()
        return await self._back(patched)

    async def patch_status(self, kind: Kind, namespace: str, name: str, patch: Body) -> Body:
        await self._there()
        patched = self._server.patch(kind, name, patch, namespace, status=True)
        self._done()
        return await self._back(patched)

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
        going = self._server.delete(
            kind, name, namespace, uid=uid, version=version, foreground=foreground
        )
        self._done()
        await self._back({})
        return going

    async def read_log(self, namespace: str, pod: str, container: str, *, tail_lines: int) -> bytes:
        await self._there()
        return self._server.read_log(pod, container, namespace)

    async def log_begins(self, namespace: str, pod: str, container: str) -> str:
        await self._there()
        said = self._server.read_log(pod, container, namespace)
        return "2026-03-01T12:00:00.000000001Z" if said else ""

    async def record_event(self, namespace: str, event: Body) -> None:
        await self._there()
        self._server.create(EVENTS, event, namespace)
        await self._back({})

    async def _there(self) -> None:
        await self._chance.pause()
        if self._chance.mishap():
            raise UnavailableError("the request was lost")

    async def _back(self, answer: Body) -> Body:
        await self._chance.pause()
        if self._chance.mishap():
            raise UnavailableError("the answer was lost")
        return answer
