"""Many sequences in one real world, and each in a simulated one of its own."""

import asyncio
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pprint import pformat
from uuid import uuid4

from kubernetes.aio import client

from tests.conform.agreement import unlike
from tests.conform.controllers.acts import Sequence, draw
from tests.conform.controllers.play import Player
from tests.conform.controllers.rest import Rest
from tests.conform.controllers.sides import RealSide, SimulatedSide
from tests.conform.controllers.sight import Seen
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.garbage_collector import GarbageCollector
from tests.support.simulation.job_controller import JobController

AT_ONCE = 12
TOGETHER = 250
"""So many sequences share a namespace, and the rests of the controllers."""
_MANY_MOVES = 1000


@dataclass(frozen=True)
class Rested:
    """What came of a step.

    Attributes:
        refusals: Of what was done, in its order.
        seen: What there was once nothing moved.
    """

    refusals: list[str]
    seen: Seen


@dataclass(frozen=True)
class Recording:
    """A sequence as it went in a real world.

    Attributes:
        seed: What it was drawn by.
        tag: What makes its names its own.
        namespace: Where it was played.
        rests: What was seen.
    """

    seed: int
    tag: str
    namespace: str
    rests: list[Rested]

    @property
    def sequence(self) -> Sequence:
        """What was played."""
        return draw(self.seed)


async def record(api: client.ApiClient, seeds: Iterable[int]) -> list[Recording]:
    """Play the sequences of the seeds in a real world, some at a time."""
    side, waiting, found = RealSide(api), list(seeds), []
    core = client.CoreV1Api(api)
    rest = Rest(side, await _new_namespace(core))
    while waiting:
        now, waiting = waiting[:TOGETHER], waiting[TOGETHER:]
        found += await _record(side, rest, await _new_namespace(core), now)
    return found


async def replay(recording: Recording) -> str | None:
    """Play a sequence in a simulated world; return where that parts from the real one."""
    where = recording.namespace
    server = ApiServer(namespaces=(where,), kueue=False)
    side = SimulatedSide(server)
    player = Player(side, recording.tag, where)
    parties = (JobController(server), GarbageCollector(server))
    chance = random.Random(recording.seed)
    for number, acts in enumerate(recording.sequence):
        refusals = await player.play(acts)
        _come_to_rest(parties, chance)
        real = recording.rests[number]
        simulated = Rested(refusals, player.look(await side.everything(where)))
        found = "; ".join(_differences(simulated, real))
        if found:
            shown = pformat(recording.sequence[: number + 1], width=110)
            return f"seed {recording.seed}, step {number}: {found}\n{shown}"
    return None


async def _record(side: RealSide, rest: Rest, where: str, seeds: list[int]) -> list[Recording]:
    recordings = [Recording(seed, f"-{uuid4().hex[:8]}", where, []) for seed in seeds]
    players = [Player(side, recording.tag, where) for recording in recordings]
    free = asyncio.Semaphore(AT_ONCE)

    async def play(player: Player, recording: Recording, number: int) -> list[str]:
        async with free:
            return await player.play(recording.sequence[number])

    for number in range(max(len(recording.sequence) for recording in recordings)):
        going = [
            (player, recording)
            for player, recording in zip(players, recordings, strict=True)
            if number < len(recording.sequence)
        ]
        answers = await asyncio.gather(*(play(*pair, number) for pair in going))
        things = await rest.wait(where)
        for (player, recording), refusals in zip(going, answers, strict=True):
            recording.rests.append(Rested(refusals, player.look(things)))
    return recordings


async def _new_namespace(core: client.CoreV1Api) -> str:
    name = f"lab-{uuid4().hex[:8]}"
    await core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
    return name


def _come_to_rest(parties: tuple[JobController, GarbageCollector], chance: random.Random) -> None:
    for _ in range(_MANY_MOVES):
        moves = [move for party in parties for move in party.moves()]
        if not moves:
            return
        chance.choice(moves)()
    raise AssertionError("the simulated controllers never come to rest")


def _differences(ours: Rested, theirs: Rested) -> Iterator[str]:
    if ours.refusals != theirs.refusals:
        yield f"simulated {ours.refusals}, real {theirs.refusals}"
    for name in sorted(ours.seen.keys() | theirs.seen.keys()):
        simulated, real = ours.seen.get(name), theirs.seen.get(name)
        if simulated and real:
            yield from (f"{name}{found}" for found in unlike(*simulated, real[1]))
        else:
            yield f"{name} is only in the {'real' if real else 'simulated'} world"
