"""The gateway against a server on loopback that answers anything that HTTP allows."""

import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernetes.aio import client

from alidade.kube.client import KubernetesGateway
from alidade.kube.gateway import (
    JOBS,
    NAMESPACES,
    PODS,
    ApiError,
    Change,
    ExpiredError,
    InvalidError,
    UnavailableError,
)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """Takes down what it is asked, and answers as it is told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str | None, bytes]] = []
        self.answer: Answer = self.well
        self.url = ""

    async def well(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"kind": "Job", "metadata": {"resourceVersion": "7"}, "items": []})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        sort = request.headers.get("Content-Type")
        self.asked.append((request.method, request.path_qs, sort, await request.read()))
        return await self.answer(request)

    def says(self, content: bytes, status: int = 200, **headers: str) -> None:
        async def answer(_: web.Request) -> web.StreamResponse:
            return web.Response(body=content, status=status, headers=headers)

        self.answer = answer


@asynccontextmanager
async def serving(left: float = math.inf) -> AsyncIterator[tuple[Server, KubernetesGateway]]:
    server = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with client.ApiClient(client.Configuration(host=server.url)) as api:
        yield server, KubernetesGateway(api, lambda: left)
    await runner.cleanup()


async def every_request(gateway: KubernetesGateway) -> AsyncIterator[Awaitable[Any]]:
    """Yield one request of each kind."""

    async def listed() -> list[Any]:
        return [body async for body in gateway.list_all(PODS, None, "a=b")]

    async def watched() -> list[Any]:
        return [change async for change in gateway.watch(PODS, None, "a=b", "7")]

    yield listed()
    yield watched()
    yield gateway.get(JOBS, "lab", "a")
    yield gateway.create(JOBS, "lab", {"metadata": {"name": "a"}})
    yield gateway.patch(JOBS, "lab", "a", {})
    yield gateway.patch_status(JOBS, "lab", "a", {})
    yield gateway.delete(JOBS, "lab", "a", "u")
    yield gateway.read_log("lab", "a", "worker", tail_lines=5)
    yield gateway.record_event("lab", {})


@settings(max_examples=40)
@given(
    status=st.integers(200, 599).filter(lambda code: code not in (204, 205, 304)),
    content=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda v: (
            st.lists(v, max_size=3)
            | st.dictionaries(st.sampled_from(["items", "metadata", "kind", "type", "object"]), v)
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
    headers=st.fixed_dictionaries(
        {"Retry-After": st.sampled_from(["", "3", "x", "1e400", "nan"])},
        optional={
            "Content-Type": st.sampled_from(["text/html", "application/json; charset=utf-7"])
        },
    ),
)
async def test_whatever_is_answered_is_an_answer_or_an_error_of_the_api(
    status: int, content: bytes, headers: dict[str, str]
) -> None:
    async with serving() as (server, gateway):
        server.says(content, status, **headers)
        async for request in every_request(gateway):
            with suppress(ApiError):
                await request


async def test_an_answer_that_breaks_off_is_an_error_of_the_api() -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"items": [')
        if request.transport:
            request.transport.abort()
        return response

    async with serving() as (server, gateway):
        server.answer = break_off
        async for request in every_request(gateway):
            with pytest.raises(UnavailableError):
                await request


async def test_a_server_that_is_not_there_is_an_error_of_the_api() -> None:
    async with client.ApiClient(client.Configuration(host="http://127.0.0.1:1")) as api:
        async for request in every_request(KubernetesGateway(api)):
            with pytest.raises(UnavailableError):
                await request


async def test_each_request_goes_where_it_belongs() -> None:
    async with serving() as (server, gateway):
        async for request in every_request(gateway):
            with suppress(ApiError):
                await request
        await gateway.get(NAMESPACES, "lab", "lab")
    job = "/apis/alidade.dev/v1alpha1/namespaces/lab/jobs"
    assert [(method, path, sort) for method, path, sort, _ in server.asked] == [
        ("GET", "/api/v1/pods?labelSelector=a%3Db&limit=500", "application/json"),
        (
            "GET",
            "/api/v1/pods?labelSelector=a%3Db&watch=true&allowWatchBookmarks=true"
            "&resourceVersion=7&timeoutSeconds=300",
            "application/json",
        ),
        ("GET", f"{job}/a", "application/json"),
        ("POST", f"{job}?fieldManager=alidade-operator&fieldValidation=Strict", "application/json"),
        ("PATCH", f"{job}/a?fieldManager=alidade-operator", "application/merge-patch+json"),
        ("PATCH", f"{job}/a/status?fieldManager=alidade-operator", "application/merge-patch+json"),
        ("DELETE", f"{job}/a", "application/json"),
        (
            "GET",
            "/api/v1/namespaces/lab/pods/a/log?container=worker&follow=true&tailLines=5",
            "application/json",
        ),
        (
            "POST",
            "/apis/events.k8s.io/v1/namespaces/lab/events?fieldManager=alidade-operator",
            "application/json",
        ),
        ("GET", "/api/v1/namespaces/lab", "application/json"),
    ]


async def test_any_text_is_sent_in_ascii() -> None:
    text = "\x7f\x80\x85\ufffe\u202e😀\ud800"
    async with serving() as (server, gateway):
        await gateway.patch_status(JOBS, "lab", "a", {"status": {"message": text}})
    (_, _, _, content) = server.asked[0]
    assert content.isascii()
    assert json.loads(content) == {"status": {"message": text}}


async def test_what_is_too_deep_to_be_sent_is_refused_here() -> None:
    body: dict[str, Any] = {}
    for _ in range(50_000):
        body = {"a": body}
    async with serving() as (_, gateway):
        with pytest.raises(InvalidError, match="nested too deep"):
            await gateway.create(JOBS, "lab", body)


@pytest.mark.parametrize("left", [-5.0, 0.0, 0.5])
async def test_one_that_may_not_lead_reads_and_changes_nothing(left: float) -> None:
    async with serving(left) as (server, gateway):
        async for request in every_request(gateway):
            with suppress(ApiError):
                await request
        assert {method for method, *_ in server.asked} == {"GET"}
        with pytest.raises(UnavailableError, match="does not lead"):
            await gateway.patch(JOBS, "lab", "a", {})


async def test_a_list_goes_on_to_its_last_page() -> None:
    async def pages(request: web.Request) -> web.StreamResponse:
        token = request.query.get("continue")
        more = {"continue": "b"} if token is None else {}
        items = [{"n": 1}] if token is None else [{"n": 2}, "odd"]
        return web.json_response({"metadata": {"resourceVersion": "7", **more}, "items": items})

    async with serving() as (server, gateway):
        server.answer = pages
        found = [page async for page in gateway.list_pages(PODS, "lab")]
    assert [page.items for page in found] == [({"n": 1},), ({"n": 2},)]
    assert {page.version for page in found} == {"7"}


async def test_a_watch_tells_line_by_line_however_long_and_ends_with_what_the_server_says() -> None:
    long = "x" * 5_000_000

    async def lines(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for body in ({"n": 1}, {"n": long}):
            await response.write(json.dumps({"type": "ADDED", "object": body}).encode() + b"\n")
        gone = {"type": "ERROR", "object": {"code": 410, "message": "too old"}}
        await response.write(json.dumps(gone).encode() + b"\n")
        return response

    async with serving() as (server, gateway):
        server.answer = lines
        watch = aiter(gateway.watch(PODS, None, None, "7"))
        assert await anext(watch) == Change("ADDED", {"n": 1})
        assert await anext(watch) == Change("ADDED", {"n": long})
        with pytest.raises(ExpiredError, match="too old"):
            await anext(watch)
