"""A simulated watch tells the same as a real one of what has happened to an object."""

import asyncio
from collections.abc import Sequence
from typing import Any

import kopf
import pytest
import yaml

from alidade_operator.handlers.watch import KopfWatches
from alidade_operator.kube.gateway import JOBS
from tests.conform.agreement import first_difference
from tests.conform.comparison import Recording, connected, record, simulated_server
from tests.conform.draw import WATCHES
from tests.conform.ledger import Ledger
from tests.conform.play import Answer, Player
from tests.conform.sides import Calm, Real, Simulated
from tests.conform.watching import Told, answer, mark, told
from tests.support.control_plane import ControlPlane
from tests.support.simulation import news
from tests.support.simulation.news import UnreliableNews

LONG_BEFORE = "1"
KINDS = dict.fromkeys(step.kind for step in WATCHES)
SHARE = 5
"""A fifth as many sequences as of requests: what is told follows from them."""
Watched = tuple[Recording, list[Answer]]


@pytest.fixture(scope="module")
def watched(bare_plane: ControlPlane, seeds: range) -> list[Watched]:
    """The sequences as real watches told of them."""

    async def collect() -> list[Watched]:
        found = []
        async with connected(bare_plane.kubeconfig) as api:
            real = Real(api)
            since = [page.version async for page in real.gateway.list_pages(JOBS, None)][-1]
            async for some in record(api, seeds[: len(seeds) // SHARE]):
                home = some[0].places["home"]
                for kind in KINDS:
                    await mark(real.others, kind, home)
                async with KopfWatches(lambda **_: _credentials(bare_plane)) as watches:
                    changes = [
                        await told(watches, step, home, _version(step.given["since"], since))
                        for step in WATCHES
                    ]
                found += [(recording, _answers(changes, recording)) for recording in some]
        return found

    return asyncio.run(collect())


def differing(watched: Sequence[Watched]) -> list[str]:
    """Return of which sequences a simulated watch tells something else."""
    found = []
    for recording, real in watched:
        simulated = asyncio.run(_simulated(recording))
        if difference := first_difference(WATCHES, simulated, real):
            found.append(f"seed {recording.seed}: {difference}\n{recording.sequence}")
    return found


def test_both_tell_the_same(watched: list[Watched]) -> None:
    found = differing(watched)
    assert not found, f"{len(found)} of {len(watched)} differ, the first: {found[0]}"


def test_a_planted_fault_is_found(watched: list[Watched], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(news, "chosen", lambda *_: lambda _: True)
    assert differing(watched)


async def _simulated(recording: Recording) -> list[Answer]:
    server = simulated_server(recording.places)
    side, since, home = Simulated(server), str(server.version), recording.places["home"]
    await Player(side, recording.tag, recording.places).play(recording.sequence)
    for kind in KINDS:
        await mark(side.others, kind, home)
    watches = UnreliableNews(server, Calm())
    changes = [
        await told(watches, step, home, _version(step.given["since"], since)) for step in WATCHES
    ]
    return _answers(changes, recording)


def _answers(changes: Sequence[Told], recording: Recording) -> list[Answer]:
    ledger = Ledger(recording.tag, recording.places["home"])
    return [
        answer(found, step, ledger, recording.tag)
        for found, step in zip(changes, WATCHES, strict=True)
    ]


def _version(since: str, start: str) -> str:
    return start if since == "start" else LONG_BEFORE


def _credentials(plane: ControlPlane) -> Any:
    known = yaml.safe_load(plane.kubeconfig.read_text())
    cluster, user = known["clusters"][0]["cluster"], known["users"][0]["user"]
    return kopf.ConnectionInfo(
        server=cluster["server"],
        ca_path=cluster["certificate-authority"],
        certificate_path=user["client-certificate"],
        private_key_path=user["client-key"],
    )
