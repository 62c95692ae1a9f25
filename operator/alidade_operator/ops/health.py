"""The operator's HTTP port: /healthz, /readyz and /metrics."""

from collections.abc import Callable

from aiohttp import web
from prometheus_client import generate_latest

ADDRESS = "0.0.0.0"  # noqa: S104 probes and Prometheus come from outside the pod


async def serve(port: int, trouble: Callable[[], str | None]) -> web.AppRunner:
    """Start to serve; the caller cleans up the runner.

    Args:
        port: TCP port; 0 picks a free one.
        trouble: Says what keeps this instance from its part, None where it works, or stands by
            for the one that does.

    Raises:
        OSError: The port is taken.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        told = trouble()
        return web.Response(text=f"{told or 'ok'}\n", status=503 if told else 200)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), content_type="text/plain", charset="utf-8")

    app = web.Application()
    app.add_routes(
        [
            web.get("/healthz", healthz),
            web.get("/readyz", readyz),
            web.get("/metrics", metrics),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, ADDRESS, port).start()
    return runner
