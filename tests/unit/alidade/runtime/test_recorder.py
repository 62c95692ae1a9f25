import asyncio
from typing import Any

import pytest

from alidade.domain.events import Note
from alidade.kube.gateway import Body, ForbiddenError
from alidade.runtime.recorder import MAX_NOTE_BYTES, MAX_WAITING, Recorder
from tests.support.builders import NAMESPACE, job
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance
from tests.support.simulation.gateway import UnreliableGateway
from tests.support.virtual_time import in_virtual_time

FAILED = Note("Warning", "Failed", "failed: exit code 1")


class Gateway(UnreliableGateway):
    """Keeps the events, and refuses the first ones if told to."""

    def __init__(self, refuse: int = 0) -> None:
        super().__init__(ApiServer(lambda *_: None), Chance(0, 0), lambda: None)
        self.events: list[Body] = []
        self._refuse = refuse

    async def record_event(self, namespace: str, event: Body) -> None:
        assert namespace == event["metadata"]["namespace"] == NAMESPACE
        if self._refuse:
            self._refuse -= 1
            raise ForbiddenError("no events here")
        self.events.append(event)


async def recorded(gateway: Gateway, *notes: Note) -> list[Body]:
    recorder = Recorder(gateway, "operator-1")
    work = asyncio.create_task(recorder.run())
    for note in notes:
        recorder.record(job("train"), note)
    await asyncio.sleep(10)
    work.cancel()
    return gateway.events


@in_virtual_time
async def test_an_event_tells_what_happened_to_which_job() -> None:
    (event,) = await recorded(Gateway(), FAILED)
    told: dict[str, Any] = {
        "type": "Warning",
        "reason": "Failed",
        "note": "failed: exit code 1",
        "reportingController": "alidade.dev/operator",
        "reportingInstance": "operator-1",
    }
    assert event.items() >= told.items()
    assert event["regarding"] == {
        "apiVersion": "alidade.dev/v1alpha1",
        "kind": "Job",
        "name": "train",
        "namespace": NAMESPACE,
        "uid": "uid-train",
    }


@in_virtual_time
async def test_each_event_has_a_name_of_its_own() -> None:
    events = await recorded(Gateway(), FAILED, FAILED)
    assert len({event["metadata"]["name"] for event in events}) == 2


@pytest.mark.parametrize(
    ("letter", "kept"), [("x", MAX_NOTE_BYTES), ("\N{SNOWMAN}", MAX_NOTE_BYTES // 3)]
)
@in_virtual_time
async def test_a_note_is_no_longer_than_the_api_takes(letter: str, kept: int) -> None:
    (event,) = await recorded(Gateway(), Note("Normal", "Released", letter * 5000))
    assert event["note"] == letter * kept


@in_virtual_time
async def test_an_event_that_is_refused_is_let_go_and_the_next_is_recorded() -> None:
    events = await recorded(Gateway(refuse=1), FAILED, Note("Normal", "Released", "m"))
    assert [event["reason"] for event in events] == ["Released"]


@in_virtual_time
async def test_a_flood_of_events_is_cut_and_blocks_nobody() -> None:
    events = await recorded(Gateway(), *[FAILED] * (MAX_WAITING + 10))
    assert len(events) == MAX_WAITING
