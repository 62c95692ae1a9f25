"""The gateway against a server on loopback that answers anything that HTTP allows."""

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from kubernetes.aio import client

from alidade_operator.kube.client import KubernetesGateway
from alidade_operator.kube.fence import LEAST_SECONDS
from alidade_operator.kube.gateway import (
    JOBS,
    NAMESPACES,
    PODS,
    ApiError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)
from tests.support.odd_server import CONTENTS, HEADERS, STATUSES, Server, break_off, served


@asynccontextmanager
async def serving(left: float = math.inf) -> AsyncIterator[tuple[Server, KubernetesGateway]]:
    async with (
        served() as server,
        client.ApiClient(client.Configuration(host=server.url)) as api,
    ):
        yield server, KubernetesGateway(api, lambda: left)


async def every_request(gateway: KubernetesGateway) -> AsyncIterator[Awaitable[Any]]:
    """Yield one request of each kind."""

    async def listed() -> list[Any]:
        return [body async for body in gateway.list_all(PODS, None, "a=b")]

    yield listed()
    yield gateway.get(JOBS, "lab", "a")
    yield gateway.create(JOBS, "lab", {"metadata": {"name": "a"}})
    yield gateway.patch(JOBS, "lab", "a", {})
    yield gateway.patch_status(JOBS, "lab", "a", {})
    yield gateway.delete(JOBS, "lab", "a", "u")
    yield gateway.read_log("lab", "a", "worker", tail_lines=5)
    yield gateway.log_begins("lab", "a", "worker")
    yield gateway.record_event("lab", {})


@settings(max_examples=40)
@given(status=STATUSES, content=CONTENTS, headers=HEADERS)
async def test_whatever_is_answered_is_an_answer_or_an_error_of_the_api(
    status: int, content: bytes, headers: dict[str, str]
) -> None:
    async with serving() as (server, gateway):
        server.says(content, status, **headers)
        async for request in every_request(gateway):
            with suppress(ApiError):
                await request


async def test_an_answer_that_breaks_off_is_an_error_of_the_api() -> None:
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
            "GET",
            "/api/v1/namespaces/lab/pods/a/log?container=worker&follow=true&timestamps=true&limitBytes=64",
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
        found = [page async for page in gateway.list_pages(PODS, "lab", size=1)]
    assert [query for _, query, *_ in server.asked] == [
        "/api/v1/namespaces/lab/pods?limit=1",
        "/api/v1/namespaces/lab/pods?limit=1&continue=b",
    ]
    assert [page.items for page in found] == [({"n": 1},), ({"n": 2},)]
    assert {page.version for page in found} == {"7"}


async def test_a_log_without_a_line_is_waited_for_but_not_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("alidade_operator.kube.client.FIRST_LINE_SECONDS", 0.1)

    async def silent(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(600)
        return web.Response()

    async with serving() as (server, gateway):
        server.answer = silent
        assert await gateway.log_begins("lab", "a", "worker") is None
        monkeypatch.undo()
        server.says(b"")
        assert await gateway.log_begins("lab", "a", "worker") == ""
        server.says(b"2026-03-01T12:00:00.5Z begun")
        assert await gateway.log_begins("lab", "a", "worker") == "2026-03-01T12:00:00.5Z"


@pytest.mark.parametrize(
    "words",
    [
        b"unable to retrieve container logs for containerd://5f79fe38",
        b'failed to try resolving symlinks in path "/var/log/pods/a/0.log": lstat: not there',
    ],
)
async def test_what_a_kubelet_says_in_a_logs_place_is_no_log(words: bytes) -> None:
    async with serving() as (server, gateway):
        server.says(words)
        with pytest.raises(NotFoundError, match=words[:20].decode()):
            await gateway.read_log("lab", "a", "worker", tail_lines=9)
        server.says(words + b"\n")
        assert await gateway.read_log("lab", "a", "worker", tail_lines=9) == words + b"\n"


async def test_an_answer_that_does_not_come_is_told_in_a_word() -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(600)
        return web.Response()

    async with serving(LEAST_SECONDS) as (server, gateway):
        server.answer = silent
        with pytest.raises(UnavailableError, match=r"API server: .*Timeout"):
            await gateway.patch(JOBS, "lab", "a", {})
