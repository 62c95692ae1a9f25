"""One life of the operator after the other."""

import asyncio

from alidade.runtime.engine import Engine
from alidade.runtime.settings import Settings
from tests.support.simulation.api_server import HOME
from tests.support.simulation.chance import clock
from tests.support.simulation.gateway import UnreliableGateway
from tests.support.simulation.news import UnreliableNews
from tests.support.simulation.world import World


class Operator:
    """Alidade's own engine, which dies when told to, and starts anew with an empty memory."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._requests = 0
        self._dead = asyncio.Event()

    async def live(self) -> None:
        """Live, die and start anew until cancelled."""
        while True:
            self._dead.clear()
            life = asyncio.create_task(self._live_once())
            death = asyncio.create_task(self._dead.wait())
            try:
                await asyncio.wait({life, death}, return_when=asyncio.FIRST_COMPLETED)
                if life.done():
                    life.result()
            finally:
                for task in (life, death):
                    task.cancel()
                await asyncio.gather(life, death, return_exceptions=True)
            await self._world.chance.pause()

    def die(self) -> None:
        self._dead.set()

    def _count(self) -> None:
        self._requests += 1
        if self._requests in self._world.scenario.deaths:
            self.die()

    async def _live_once(self) -> None:
        world = self._world
        gateway = UnreliableGateway(world.server, world.chance, self._count)
        settings = Settings(
            tracking_uri="http://mlflow",
            workers=world.scenario.workers,
            own_namespace=HOME,
        )
        news = UnreliableNews(world.server, world.chance)
        engine = Engine(gateway, news, world.mlflow, settings, clock)
        try:
            await engine.run()
        finally:
            gateway.dead = True
