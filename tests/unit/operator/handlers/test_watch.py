"""kopf's streams from a server on loopback that answers anything that HTTP allows."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any

import kopf
import pytest
from aiohttp import web
from hypothesis import given, settings

from alidade_operator.handlers.watch import KopfWatches
from alidade_operator.kube.gateway import PODS, ApiError, Change, ExpiredError
from tests.support.odd_server import CONTENTS, HEADERS, STATUSES, Server, break_off, served


@asynccontextmanager
async def watching() -> AsyncIterator[tuple[Server, KopfWatches]]:
    async with served() as server:

        def login(**_: Any) -> kopf.ConnectionInfo:
            return kopf.ConnectionInfo(server=server.url)

        async with KopfWatches(login) as watches:
            yield server, watches


async def everything(watches: KopfWatches) -> list[Change]:
    return [change async for change in watches.watch(PODS, None, "a=b", "7")]


async def test_it_asks_for_what_happened_since_a_version() -> None:
    async with watching() as (server, watches):
        with suppress(ApiError):
            await everything(watches)
    ((method, path, _, _),) = server.asked
    assert method == "GET"
    assert path == (
        "/api/v1/pods?watch=true&allowWatchBookmarks=true&labelSelector=a%3Db"
        "&resourceVersion=7&timeoutSeconds=300"
    )


@settings(max_examples=40)
@given(status=STATUSES, content=CONTENTS, headers=HEADERS)
async def test_whatever_is_answered_is_changes_or_an_error_of_the_api(
    status: int, content: bytes, headers: dict[str, str]
) -> None:
    async with watching() as (server, watches):
        server.says(content, status, **headers)
        with suppress(ApiError):
            await everything(watches)


async def test_an_answer_that_breaks_off_is_the_end_of_a_watch() -> None:
    async with watching() as (server, watches):
        server.answer = break_off
        with suppress(ApiError):
            assert await everything(watches) == []


async def test_it_tells_line_by_line_however_long_and_ends_with_what_the_server_says() -> None:
    long = "x" * 5_000_000

    async def lines(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for body in ({"n": 1}, {"n": long}):
            await response.write(json.dumps({"type": "ADDED", "object": body}).encode() + b"\n")
        gone = {"type": "ERROR", "object": {"code": 410, "message": "too old"}}
        await response.write(json.dumps(gone).encode() + b"\n")
        return response

    async with watching() as (server, watches):
        server.answer = lines
        async with aclosing(watches.watch(PODS, None, None, "7")) as watch:
            assert await anext(watch) == Change("ADDED", {"n": 1})
            assert await anext(watch) == Change("ADDED", {"n": long})
            with pytest.raises(ExpiredError, match="too old"):
                await anext(watch)


async def test_no_watch_that_has_ended_may_cancel_who_has_read_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    timeout, limits = asyncio.timeout, []

    def noted(seconds: float | None) -> asyncio.Timeout:
        limits.append(timeout(seconds))
        return limits[-1]

    gone = {"type": "ERROR", "object": {"code": 410, "message": "too old"}}
    async with watching() as (server, watches):
        server.says(json.dumps(gone).encode(), 200)
        monkeypatch.setattr(asyncio, "timeout", noted)
        # Who keeps the error keeps all that it came through.
        with pytest.raises(ExpiredError) as kept:
            await everything(watches)
        assert kept.traceback
        assert limits
        for limit in limits:
            with pytest.raises(RuntimeError, match="finished"):
                limit.reschedule(None)
