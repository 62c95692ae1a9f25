"""The operator's process: `python -m alidade`."""

import asyncio
import contextlib
import math
import signal
import sys
from collections.abc import Callable

import structlog
from pydantic import ValidationError

from alidade_operator.handlers.watch import KopfWatches
from alidade_operator.kube.client import KubernetesGateway
from alidade_operator.kube.connection import connect
from alidade_operator.kube.election import RETRY_SECONDS, Leadership
from alidade_operator.loop.engine import Engine
from alidade_operator.ops import health, logs
from alidade_operator.ops.settings import Settings
from alidade_operator.tracking.mlflow import MlflowTracking

log = structlog.get_logger("alidade")


async def _lead(leadership: Leadership | None, operator: "Operator", settings: Settings) -> None:
    """Work while leading; return when that is lost.

    Args:
        leadership: What makes this instance the one that acts, None where there is no other.
        operator: What works.
        settings: Settings of the process.
    """
    if leadership is None:
        await operator.work()
        return
    async with leadership, asyncio.TaskGroup() as tasks:
        work = tasks.create_task(_work_once_won(leadership, operator, settings))
        await asyncio.wait({work, leadership.lost}, return_when=asyncio.FIRST_COMPLETED)
        if leadership.lost.done():
            # Another instance may lead by now: nothing more may be done here.
            log.error("election.lost", identity=settings.identity)
            work.cancel()
            leadership.lost.result()


async def _work_once_won(leadership: Leadership, operator: "Operator", settings: Settings) -> None:
    log.info("election.waiting", lease=settings.lease_name)
    try:
        await asyncio.wait_for(leadership.won.wait(), RETRY_SECONDS)
    except TimeoutError:
        operator.stands_by = True
        await leadership.won.wait()
        operator.stands_by = False
    log.info("election.won", identity=settings.identity)
    try:
        await operator.work()
    finally:
        leadership.resigns = operator.quiet


class Operator:
    """The engine, and MLflow, which it has requests under way to.

    Attributes:
        stands_by: Whether another instance leads.
        quiet: Whether nothing that was asked for is under way any more.
    """

    def __init__(
        self,
        gateway: KubernetesGateway,
        watches: KopfWatches,
        settings: Settings,
        left: Callable[[], float],
    ) -> None:
        self._tracking = MlflowTracking(settings.tracking_uri, settings.key(), left)
        self._engine = Engine(gateway, watches, self._tracking, settings)
        self.stands_by = False
        self.quiet = False

    @property
    def trouble(self) -> str | None:
        """What keeps this instance from its part, None where nothing does."""
        return None if self.stands_by else self._engine.trouble

    async def work(self) -> None:
        """Work until cancelled; see that no request is under way any more then."""
        try:
            await self._engine.run()
        finally:
            # Requests to the API server are given up by being cancelled; those to MLflow are made
            # in threads, and whoever leads next must not meet them.
            self.quiet = await self._tracking.close()


async def run(settings: Settings) -> None:
    """Run the operator until it is told to stop.

    Raises:
        Exception: Whatever ends it otherwise; the pod's restart starts it anew.
    """
    async with await connect() as api, KopfWatches() as watches:
        leadership: Leadership | None = None
        if settings.own_namespace and settings.lease_name:
            leadership = Leadership(
                api, settings.own_namespace, settings.lease_name, settings.identity
            )
        left = leadership.left if leadership else lambda: math.inf
        operator = Operator(KubernetesGateway(api, left), watches, settings, left)
        server = await health.serve(settings.http_port, lambda: operator.trouble)
        task = asyncio.create_task(_lead(leadership, operator, settings))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        finally:
            await server.cleanup()
    log.info("stopped")


def main() -> None:
    """Read the settings and run."""
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"]).upper()
            sys.stderr.write(f"ALIDADE_{name}: {problem['msg']}\n")
        sys.exit(2)
    logs.configure(settings.log_level, settings.log_format)
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
