"""Many sequences on a real API server, and the same on simulated ones."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from kubernetes.aio import client, config

from tests.conform.agreement import first_difference
from tests.conform.draw import draw
from tests.conform.play import Answer, Player
from tests.conform.sides import Real, Simulated
from tests.conform.steps import Place, Sequence
from tests.support.simulation.api_server import ApiServer

SHORT = 300
"""So many sequences are compared where nothing else is asked for."""
AT_ONCE = 12
NAMESPACE_SEQUENCES = 200
"""So many share a namespace: each reads lists of it."""

Places = Mapping[Place, str]
NewServer = Callable[[Places], ApiServer]


@dataclass(frozen=True)
class Recording:
    """A sequence as a real API server answered it.

    Attributes:
        seed: What it was drawn by.
        sequence: It.
        tag: What makes its names its own.
        places: Where it was played.
        answers: The answers.
    """

    seed: int
    sequence: Sequence
    tag: str
    places: Places
    answers: list[Answer]


@asynccontextmanager
async def connected(kubeconfig: Path) -> AsyncIterator[client.ApiClient]:
    """Connect to a real API server as its administrator."""
    settings = client.Configuration()
    await config.load_kube_config(str(kubeconfig), client_configuration=settings)
    async with client.ApiClient(settings) as api:
        yield api


async def record(api: client.ApiClient, seeds: Iterable[int]) -> AsyncIterator[list[Recording]]:
    """Play the sequences of the seeds on a real API server; yield them, some at a time."""
    waiting = list(seeds)
    while waiting:
        now, waiting = waiting[:NAMESPACE_SEQUENCES], waiting[NAMESPACE_SEQUENCES:]
        places = await _new_places(api)
        free = asyncio.Semaphore(AT_ONCE)
        yield await asyncio.gather(*(_record(api, free, places, seed, draw(seed)) for seed in now))


async def replay(recording: Recording, new_server: NewServer) -> str | None:
    """Play a sequence on a simulated API server; return where that parts from the real one."""
    side = Simulated(new_server(recording.places))
    answers = await Player(side, recording.tag, recording.places).play(recording.sequence)
    return first_difference(recording.sequence, answers, recording.answers)


async def shrunk(
    api: client.ApiClient, recording: Recording, new_server: NewServer
) -> tuple[Recording, str]:
    """Return the shortest sequence found, made of steps of one that differs, that differs too."""
    places, free = await _new_places(api), asyncio.Semaphore(1)
    difference = await replay(recording, new_server) or ""
    number = 0
    while number < len(recording.sequence):
        fewer = recording.sequence[:number] + recording.sequence[number + 1 :]
        tried = await _record(api, free, places, recording.seed, fewer)
        found = await replay(tried, new_server)
        if found:
            recording, difference, number = tried, found, 0
        else:
            number += 1
    return recording, difference


def simulated_server(places: Places) -> ApiServer:
    """Make a simulated API server for a sequence."""
    server = ApiServer(namespaces=(places["home"], places["ending"]), kueue=False)
    server.end(places["ending"])
    return server


async def _new_places(api: client.ApiClient) -> Places:
    core = client.CoreV1Api(api)
    home = f"lab-{uuid4().hex[:8]}"
    places: Places = {"home": home, "ending": f"{home}-ending", "missing": f"{home}-missing"}
    for name in (places["home"], places["ending"]):
        await core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
    await core.delete_namespace(places["ending"])
    return places


async def _record(
    api: client.ApiClient, free: asyncio.Semaphore, places: Places, seed: int, sequence: Sequence
) -> Recording:
    async with free:
        tag = f"-{uuid4().hex[:8]}"
        answers = await Player(Real(api), tag, places).play(sequence)
        return Recording(seed, sequence, tag, places, answers)
