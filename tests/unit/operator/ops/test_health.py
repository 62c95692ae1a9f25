import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from alidade_operator.ops.health import serve


class Port:
    """The operator's port, and whether it is ready."""

    def __init__(self) -> None:
        self.ready = False
        self.url = ""

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    found = Port()
    runner = await serve(0, lambda: None if found.ready else "no kind jobs.alidade.dev")
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


async def test_it_is_alive_whether_ready_or_not(port: Port) -> None:
    assert await port.get("/healthz") == (200, "ok\n")


async def test_it_is_ready_when_it_says_so(port: Port) -> None:
    assert await port.get("/readyz") == (503, "no kind jobs.alidade.dev\n")
    port.ready = True
    assert await port.get("/readyz") == (200, "ok\n")


async def test_prometheus_can_read_its_metrics(port: Port) -> None:
    status, text = await port.get("/metrics")
    assert status == 200
    for name in ("alidade_reconciles_total", "alidade_workqueue_depth", "alidade_jobs_ended_total"):
        assert f"# TYPE {name}" in text


async def test_a_port_that_is_taken_is_an_error(port: Port) -> None:
    taken = int(port.url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="in use"):
        await asyncio.wait_for(serve(taken, lambda: None), 10)
