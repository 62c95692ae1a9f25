"""The simulated API server answers every request of the operator as a real one does."""

import asyncio
from pprint import pformat

from tests.conform import exceptions
from tests.conform.comparison import (
    Recording,
    connected,
    record,
    replay,
    shrunk,
    simulated_server,
)
from tests.support.control_plane import ControlPlane


def test_both_answer_the_same(bare_plane: ControlPlane, seeds: range) -> None:
    async def compare() -> str | None:
        async with connected(bare_plane.kubeconfig) as api:
            async for some in record(api, seeds):
                for recording in some:
                    if await replay(recording, simulated_server):
                        shortest, difference = await shrunk(api, recording, simulated_server)
                        return _report(shortest, difference)
        return None

    difference = asyncio.run(compare())
    assert difference is None, difference


def test_the_exceptions_are_few() -> None:
    assert len(exceptions.ALL) <= 15
    assert all(exceptions.ALL.values())


def _report(recording: Recording, difference: str) -> str:
    return f"seed {recording.seed}: {difference}\n{pformat(recording.sequence, width=110)}"
