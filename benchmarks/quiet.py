"""Waiting until an operator has no more to do."""

import asyncio

from benchmarks.world import World
from tests.support.audit import Request
from tests.support.rights import USER

SILENCE_SECONDS = 3.0
# What it asks for on its own, whatever becomes of jobs.
_OWN = ("leases.coordination.k8s.io",)


async def until_quiet(world: World) -> None:
    """Wait until the operator has asked the API server for nothing for three seconds."""
    mark = world.audit.mark()
    while True:
        await asyncio.sleep(SILENCE_SECONDS)
        seen = world.audit.mark()
        if not any(map(_works, world.audit.since(mark))):
            return
        mark = seen


def _works(request: Request) -> bool:
    return (
        request.user == USER
        and request.verb not in ("watch", "list")
        and request.resource not in _OWN
    )
