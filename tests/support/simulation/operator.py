"""One life of the operator after the other, or beside it."""

import asyncio
import math
from collections.abc import Coroutine

from alidade_operator.kube.election import LEASE_SECONDS, RETRY_SECONDS
from alidade_operator.loop.engine import Engine
from alidade_operator.ops.settings import Settings
from tests.support.simulation.api_server import HOME
from tests.support.simulation.chance import clock
from tests.support.simulation.freezing import Process
from tests.support.simulation.gateway import UnreliableGateway
from tests.support.simulation.news import UnreliableNews
from tests.support.simulation.world import World
from tests.support.virtual_time import now


class Life(Process):
    """A process of the operator.

    Attributes:
        dead: Whether it is to end.
        held_from: When it last asked for the Lease that it holds.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dead = asyncio.Event()
        self.held_from = -math.inf

    def left(self) -> float:
        """Return for how many seconds no other life can lead."""
        return self.held_from + LEASE_SECONDS - now()


class Operator:
    """Alidade's own engine, which dies when told to, and starts anew with an empty memory.

    Where a life is to be paused, another stands by, and leads once the Lease of the first has run
    out; the first goes on with what it had in hand until it finds that out.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._requests = 0
        self._lives: set[Life] = set()
        self._leader: Life | None = None
        self._renewed = -math.inf

    async def live(self) -> None:
        """Live until cancelled."""
        async with asyncio.TaskGroup() as instances:
            instances.create_task(self._live())
            if self._world.scenario.pauses:
                instances.create_task(self._live())
                for at, seconds in self._world.scenario.pauses:
                    instances.create_task(self._pause(at, seconds))

    def die(self) -> None:
        """End all lives there are."""
        for life in self._lives:
            life.dead.set()

    async def _pause(self, at: float, seconds: float) -> None:
        await asyncio.sleep(at)
        life = self._leader
        if life is not None:
            life.freeze()
            await asyncio.sleep(seconds)
            life.thaw()

    async def _live(self) -> None:
        """Live, die and start anew."""
        while True:
            life = Life()
            self._lives.add(life)
            parts = [self._work(life), life.dead.wait()]
            tasks = [self._start(life, part) for part in parts]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if tasks[0].done():
                    tasks[0].result()
            finally:
                self._lives.discard(life)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            await self._world.chance.pause()

    def _start(self, life: Life, part: Coroutine[None, None, object]) -> asyncio.Task[object]:
        # Only what may be frozen costs what that costs.
        context = life.context if self._world.scenario.pauses else None
        return asyncio.create_task(part, context=context)

    async def _work(self, life: Life) -> None:
        """Work, while leading where there are several."""
        if not self._world.scenario.pauses:
            await self._run_engine(life)
            return
        while self._leader is not life:
            if now() >= self._renewed + LEASE_SECONDS:
                self._renew(life)
            else:
                await asyncio.sleep(RETRY_SECONDS)
        work = asyncio.create_task(self._run_engine(life))
        try:
            while self._leader is life and not work.done():
                self._renew(life)
                await asyncio.sleep(RETRY_SECONDS)
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    def _renew(self, life: Life) -> None:
        self._leader = life
        self._renewed = life.held_from = now()

    async def _run_engine(self, life: Life) -> None:
        world = self._world
        left = life.left if world.scenario.pauses else lambda: math.inf
        gateway = UnreliableGateway(world.server, world.chance, lambda: self._count(life), left)
        gateway.most_batch_jobs = world.scenario.most_batch_jobs
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

    def _count(self, life: Life) -> None:
        self._requests += 1
        if self._requests in self._world.scenario.deaths:
            life.dead.set()
