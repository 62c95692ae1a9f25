from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio import client

from alidade_operator.kube import election
from alidade_operator.kube.election import LEASE_SECONDS, RENEW_SECONDS, Leadership
from tests.support.odd_server import listening


class Clock:
    """The clock of the machine, as a test sets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(election, "_now", lambda: self.now)


class Server:
    """Keeps one Lease, or answers what a test says."""

    def __init__(self) -> None:
        self.lease: Any = None
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
            self.lease["metadata"]["resourceVersion"] = str(len(self.methods))
        if self.lease is None:
            return web.json_response({"kind": "Status", "code": 404}, status=404)
        return web.json_response(self.lease)


@asynccontextmanager
async def leadership() -> AsyncIterator[tuple[Server, Leadership]]:
    server = Server()
    async with (
        listening(server.handle) as host,
        client.ApiClient(client.Configuration(host=host)) as api,
    ):
        yield server, Leadership(api, "alidade", "lease", "one")


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


async def test_it_leads_no_longer_once_it_could_not_renew_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(monkeypatch)
    monkeypatch.setattr(election, "RETRY_SECONDS", 0.01)
    async with leadership() as (server, own), own:
        await own.won.wait()
        server.answer = web.Response(status=503)
        clock.now += RENEW_SECONDS
        await own.lost
        assert not own.won.is_set()


def held(by: str, renewed: str, transitions: int = 3) -> dict[str, Any]:
    spec = {"holderIdentity": by, "renewTime": renewed, "leaseTransitions": transitions}
    return {"metadata": {"name": "lease", "resourceVersion": "1"}, "spec": spec}


@pytest.mark.parametrize(
    "renewed",
    ["1999-01-01T00:00:00.000000Z", "2026-03-01T12:00:00.000000Z", "2099-01-01T00:00:00Z"],
)
async def test_a_lease_runs_out_by_the_clock_of_who_stands_by_whatever_the_leaders_says(
    monkeypatch: pytest.MonkeyPatch, renewed: str
) -> None:
    clock = Clock(monkeypatch)
    async with leadership() as (server, own):
        server.lease = held("another", renewed)
        assert not await own._take()
        clock.now += LEASE_SECONDS - 1
        assert not await own._take()
        # The leader's clock may be set back between two renewals.
        server.lease = held("another", "1998-01-01T00:00:00.000000Z")
        assert not await own._take()
        clock.now += LEASE_SECONDS - 1
        assert not await own._take()
        clock.now += 1
        assert await own._take()
        spec = server.lease["spec"]
        assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("one", 4)


async def test_a_lease_that_was_given_up_is_taken_at_once() -> None:
    async with leadership() as (server, own):
        server.lease = held("", "2026-03-01T12:00:00.000000Z")
        assert await own._take()


async def test_the_api_server_takes_the_stamps_of_a_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    class Whole(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime(2026, 3, 1, 12, tzinfo=UTC)

    monkeypatch.setattr(election, "datetime", Whole)
    async with leadership() as (server, own):
        assert await own._take()
        # MicroTime of apimachinery is read by a layout with six digits.
        assert server.lease["spec"]["renewTime"] == "2026-03-01T12:00:00.000001+00:00"
        acquired = server.lease["spec"]["acquireTime"]
        assert await own._take()
        assert server.lease["spec"]["acquireTime"] == acquired


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
        assert not await own._take()
        server.answer = None
        assert await own._take()
        server.answer = web.Response(body=content, status=status, content_type=sort)
        assert not await own._take()
