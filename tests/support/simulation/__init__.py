"""A simulated world around the operator's own engine, in virtual time.

API server, job controller, garbage collector, kubelet, MLflow and user are played; all of the
operator but kopf and the clients is real. Requests get lost on the way there and on the way back,
news come late, twice or not at all, and the operator dies in the middle of things.
"""

import asyncio
from collections.abc import Sequence

import structlog

from tests.support.simulation.chance import CALM_AFTER_SECONDS
from tests.support.simulation.freezing import FreezingLoop
from tests.support.simulation.operator import Operator
from tests.support.simulation.scenario import Scenario
from tests.support.simulation.user import User
from tests.support.simulation.world import World
from tests.support.virtual_time import now, run

# Longer than any party waits before it acts, its start deadline and a resync among them.
QUIET_SECONDS = 1000.0
MAX_SECONDS = 20 * 3600.0
VERSIONS_LOST = 10**6
_FAULTS = (
    "reconcile.crashed",
    "object.unreadable",
    "loop.crashed",
    "work.crashed",
    "watch.crashed",
    "job.not_primed",
)


def simulate(scenario: Scenario) -> World:
    """Let a scenario happen until nothing happens any more, and the operator restart then.

    Raises:
        AssertionError: Something happened that must not, or there is no end to it.
    """
    with structlog.testing.capture_logs() as logs:
        world = run(_happen(scenario), FreezingLoop)
    faults = [log for log in logs if log["event"] in _FAULTS]
    assert not faults
    return world


async def _happen(scenario: Scenario) -> World:
    world = World(scenario)
    operator, user = Operator(world), User(world)
    acting = (operator.live(), world.cluster.run())
    parties = [asyncio.create_task(party) for party in acting]
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(user.act())
        tasks.create_task(_restore(world, user))
    await _rest(world, parties)
    before, runs = _told(world), dict(world.mlflow.runs)
    operator.die()
    await asyncio.sleep(QUIET_SECONDS)
    assert (before, runs) == (_told(world), world.mlflow.runs), "a restart changes things"
    for party in parties:
        party.cancel()
    return world


async def _restore(world: World, user: User) -> None:
    """Put the API server's store back, if it is to be; its user applies what is not there then."""
    if world.scenario.restore is None:
        return
    at, later = world.scenario.restore
    await asyncio.sleep(at)
    backup = world.back_up()
    # A cluster makes more versions than these few jobs do.
    world.server.version += VERSIONS_LOST
    await asyncio.sleep(later)
    world.restore(*backup)
    user.create_again()


async def _rest(world: World, parties: Sequence[asyncio.Task[None]]) -> None:
    """Wait until nothing has changed for so long that nothing will."""
    seen, since = _told(world), CALM_AFTER_SECONDS
    while now() - since < QUIET_SECONDS:
        await asyncio.sleep(QUIET_SECONDS / 20)
        assert not world.violations, world.violations[0]
        assert now() < MAX_SECONDS, "the world never comes to rest"
        for party in parties:
            if party.done():
                party.result()
        if _told(world) != seen:
            seen, since = _told(world), max(now(), CALM_AFTER_SECONDS)


def _told(world: World) -> tuple[int, int]:
    """Return how much has changed, and how much was asked for that cannot be any more."""
    return world.server.version, world.server.turned_away
