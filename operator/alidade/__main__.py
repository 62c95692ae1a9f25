"""The operator's process: `python -m alidade`."""

import asyncio
import contextlib
import signal
import sys

import structlog
from kubernetes.aio import client, config
from pydantic import ValidationError

from alidade.handlers.watch import watch
from alidade.kube.client import KubernetesGateway
from alidade.kube.election import RETRY_SECONDS, Leadership
from alidade.runtime import health, logs
from alidade.runtime.engine import KINDS, SELECTORS, Engine
from alidade.runtime.settings import Settings
from alidade.tracking.mlflow import MlflowTracking

log = structlog.get_logger("alidade")


async def _connect() -> client.ApiClient:
    # The pod's own account, else a kubeconfig: as kopf does for the watches.
    try:
        config.load_incluster_config()
    except config.ConfigException:
        await config.load_kube_config()
    return client.ApiClient()


async def _work(engine: Engine, settings: Settings) -> None:
    """Work until told to stop: kopf takes the process's signals for itself and ends the watch."""
    async with asyncio.TaskGroup() as tasks:
        reconciling = tasks.create_task(engine.run())
        await watch(
            KINDS, SELECTORS, settings.served(), engine.observe, stopping=reconciling.cancel
        )


async def _work_once_won(
    leadership: Leadership, engine: Engine, settings: Settings, standby: asyncio.Event
) -> None:
    log.info("election.waiting", lease=settings.lease_name)
    try:
        await asyncio.wait_for(leadership.won.wait(), RETRY_SECONDS)
    except TimeoutError:
        standby.set()
        await leadership.won.wait()
        standby.clear()
    log.info("election.won", identity=settings.identity)
    await _work(engine, settings)


async def _lead(
    api: client.ApiClient, engine: Engine, settings: Settings, standby: asyncio.Event
) -> None:
    """Work while leading; return when that is lost.

    Args:
        api: Where the Lease is.
        engine: What works.
        settings: Settings of the process.
        standby: Set while another instance leads.
    """
    if not (settings.own_namespace and settings.lease_name):
        await _work(engine, settings)
        return
    async with (
        Leadership(
            api, settings.own_namespace, settings.lease_name, settings.identity
        ) as leadership,
        asyncio.TaskGroup() as tasks,
    ):
        work = tasks.create_task(_work_once_won(leadership, engine, settings, standby))
        await asyncio.wait({work, leadership.lost}, return_when=asyncio.FIRST_COMPLETED)
        if leadership.lost.done():
            # Another instance may lead by now: nothing more may be done here.
            log.error("election.lost", identity=settings.identity)
            work.cancel()
            leadership.lost.result()


async def run(settings: Settings) -> None:
    """Run the operator until it is told to stop.

    Raises:
        Exception: Whatever ends it otherwise; the pod's restart starts it anew.
    """
    async with await _connect() as api:
        tracking = MlflowTracking(settings.tracking_uri, settings.key())
        engine = Engine(KubernetesGateway(api), tracking, settings)
        standby = asyncio.Event()
        server = await health.serve(settings.http_port, lambda: engine.ready or standby.is_set())
        task = asyncio.create_task(_lead(api, engine, settings, standby))
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
