"""A server on loopback that takes down what it is asked, and answers anything that HTTP allows."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from hypothesis import strategies as st

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
async def listening(handle: Answer) -> AsyncIterator[str]:
    """Have all requests to a port handled for as long as this lasts; return the server's URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    # Nobody waits for an answer that never comes.
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@asynccontextmanager
async def served() -> AsyncIterator[Server]:
    """Run a server."""
    server = Server()
    async with listening(server.handle) as server.url:
        yield server


async def break_off(request: web.Request) -> web.StreamResponse:
    """Answer with half of a list."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"items": [')
    if request.transport:
        request.transport.abort()
    return response


STATUSES = st.integers(200, 599).filter(lambda code: code not in (204, 205, 304))
CONTENTS = st.binary(max_size=200) | st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda v: (
        st.lists(v, max_size=3)
        | st.dictionaries(st.sampled_from(["items", "metadata", "kind", "type", "object"]), v)
    ),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())
HEADERS = st.fixed_dictionaries(
    {"Retry-After": st.sampled_from(["", "3", "x", "1e400", "nan"])},
    optional={"Content-Type": st.sampled_from(["text/html", "application/json; charset=utf-7"])},
)
