"""The simulated MLflow answers whatever the operator asks as a real one does."""

import asyncio
from collections.abc import Iterator, Sequence
from pprint import pformat
from typing import Any
from uuid import uuid4

import pytest

from alidade_operator.tracking import rest
from tests.conform.tracking.asks import Ask, draw
from tests.conform.tracking.play import Player
from tests.conform.tracking.sides import Real, Simulated
from tests.support.polling import PATIENCE_SECONDS
from tests.support.simulation.mlflow import Mlflow
from tests.support.tracking import TrackingServer

AT_ONCE = 4
SHARE = 10
"""A tenth as many sequences as of the API server: each request takes ten times as long."""

Played = tuple[int, str, list[Any]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    with (
        pytest.MonkeyPatch.context() as patch,
        TrackingServer(tmp_path_factory.mktemp("mlflow")) as server,
    ):
        # What is given up may be carried out all the same, and nobody knows of it then.
        patch.setattr(rest, "TIMEOUT_SECONDS", PATIENCE_SECONDS)
        patch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", f"{PATIENCE_SECONDS:.0f}")
        yield server


@pytest.fixture(scope="module")
def played(server: TrackingServer, seeds: range) -> list[Played]:
    """The sequences as a real MLflow answered them."""
    free = asyncio.Semaphore(AT_ONCE)

    async def play(seed: int) -> Played:
        async with free:
            tag = f"t{uuid4().hex[:8]}"
            return seed, tag, await Player(Real(server.uri), tag).play(draw(seed))

    async def play_all() -> list[Played]:
        return await asyncio.gather(*map(play, seeds[: len(seeds) // SHARE]))

    return asyncio.run(play_all())


def differing(played: Sequence[Played]) -> list[str]:
    """Return what of the sequences goes otherwise at a simulated MLflow."""
    found = []
    for seed, tag, real in played:
        asks = draw(seed)
        simulated = asyncio.run(Player(Simulated(), tag).play(asks))
        if simulated != real:
            found.append(_report(seed, asks, simulated, real))
    return found


def test_both_answer_the_same(played: list[Played]) -> None:
    found = differing(played)
    assert not found, f"{len(found)} of {len(played)} differ, the first: {found[0]}"


def test_a_planted_fault_is_found(played: list[Played], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mlflow, "delete_experiment", lambda *_: None)
    assert differing(played)


def _report(seed: int, asks: tuple[Ask, ...], simulated: list[Any], real: list[Any]) -> str:
    return f"seed {seed}\n{pformat(asks)}\nsimulated: {pformat(simulated)}\nreal: {pformat(real)}"
