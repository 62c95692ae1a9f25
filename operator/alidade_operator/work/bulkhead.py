"""Bulkheads: what goes wrong in one place stays there."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from alidade_operator.ops.metrics import CRASHES

RESTART_SECONDS = 1.0
LAST_RESTART_SECONDS = 60.0

log = structlog.get_logger(__name__)


async def keep_going(name: str, loop: Callable[[], Awaitable[None]]) -> None:
    """Run a loop; begin it anew, after longer and longer pauses, as often as it crashes.

    Args:
        name: What it is called in logs and metrics.
        loop: What is run; when it returns, so does this.
    """
    pause = RESTART_SECONDS
    while True:
        try:
            await loop()
        except Exception:
            CRASHES.labels(name).inc()
            log.exception("loop.crashed", loop=name, pause=pause)
            await asyncio.sleep(pause)
            pause = min(LAST_RESTART_SECONDS, 2 * pause)
        else:
            return
