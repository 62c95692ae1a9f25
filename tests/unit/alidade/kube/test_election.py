from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from kubernetes.aio import client

from alidade.kube import election
from alidade.kube.election import LEASE_SECONDS, Leadership


class Clock:
    """The clock of the machine, as a test sets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(election, "_now", lambda: self.now)


class Server:
    """Keeps one Lease, or answers what a test says."""

    def __init__(self) -> None:
        self.lease: object = None
        self.answer: web.Response | None = None
        self.methods: list[str] = []

    async def handle(self, request: web.Request) -> web.Response:
        self.methods.append(request.method)
        if self.answer:
            return web.Response(
                body=self.answer.body, status=self.answer.status, headers=self.answer.headers
            )
        if request.method in ("POST", "PUT"):
            self.lease = await request.json()
        if self.lease is None:
            return web.json_response({"kind": "Status", "code": 404}, status=404)
        return web.json_response(self.lease)


@asynccontextmanager
async def leadership() -> AsyncIterator[tuple[Server, Leadership]]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with client.ApiClient(client.Configuration(host=host)) as api:
        yield server, Leadership(api, "alidade", "lease", "one")
    await runner.cleanup()


async def test_it_may_act_for_as_long_as_nobody_else_can_take_the_lease(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    async with leadership() as (_, own):
        assert own.left() < 0
        async with own:
            await own.won.wait()
            assert own.left() == LEASE_SECONDS
            clock.now += 9.0
            assert own.left() == LEASE_SECONDS - 9.0
            # As if the process had been stopped.
            clock.now += 60.0
            assert own.left() < 0


@pytest.mark.parametrize("resigns", [True, False])
async def test_the_lease_is_given_up_only_if_nothing_is_under_way(resigns: bool) -> None:
    async with leadership() as (server, own):
        async with own:
            await own.won.wait()
            own.resigns = resigns
        assert ("DELETE" in server.methods) == resigns


@pytest.mark.parametrize(
    ("content", "status", "sort"),
    [
        (b"<html>502</html>", 502, "text/html"),
        (b"<html>hello</html>", 200, "text/html"),
        (b"[1]", 200, "application/json"),
        (b'{"spec": 3}', 200, "application/json"),
        (b'{"metadata": {', 200, "application/json"),
        (b"slow down", 429, "text/plain"),
        (b"", 200, "application/octet-stream"),
    ],
)
async def test_no_answer_about_the_lease_ends_the_election(
    content: bytes, status: int, sort: str
) -> None:
    async with leadership() as (server, own):
        server.answer = web.Response(body=content, status=status, content_type=sort)
        assert not await own._election.try_acquire_or_renew()
        server.answer = None
        assert await own._election.try_acquire_or_renew()
        server.answer = web.Response(body=content, status=status, content_type=sort)
        assert not await own._election.try_acquire_or_renew()
