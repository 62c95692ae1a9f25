import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alidade_operator.act.recorder import MAX_NOTE_BYTES, Recorder
from alidade_operator.decide.events import Note
from alidade_operator.kube.gateway import (
    ApiError,
    Body,
    ConflictError,
    ForbiddenError,
    UnavailableError,
)
from tests.support.builders import NAMESPACE, job
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance
from tests.support.simulation.gateway import UnreliableGateway
from tests.support.virtual_time import in_virtual_time, run

FAILED = Note("Warning", "Failed", "failed: exit code 1")


class Gateway(UnreliableGateway):
    """Keeps the events, and refuses the first ones if told to."""

    def __init__(self, refuse: int = 0, error: ApiError | None = None) -> None:
        super().__init__(ApiServer(lambda *_: None), Chance(0, 0), lambda: None)
        self.events: list[Body] = []
        self._refuse = refuse
        self._error = error or ForbiddenError("no events here")
        self.asked = 0

    async def record_event(self, namespace: str, event: Body) -> None:
        assert namespace == event["metadata"]["namespace"] == NAMESPACE
        self.asked += 1
        if self._refuse:
            self._refuse -= 1
            raise self._error
        self.events.append(event)


async def recorded(gateway: Gateway, *notes: Note, seconds: float = 10.0) -> list[Body]:
    recorder = Recorder(gateway, "operator-1")
    work = asyncio.create_task(recorder.run())
    for note in notes:
        recorder.record(job("train"), note)
    await asyncio.sleep(seconds)
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
    events = await recorded(Gateway(), FAILED, Note("Warning", "Failed", "for another cause"))
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
async def test_the_same_is_not_told_twice_in_a_row() -> None:
    events = await recorded(Gateway(), FAILED, FAILED)
    assert len(events) == 1


@in_virtual_time
async def test_good_news_overtaken_before_they_are_sent_are_not_told_but_bad_ones_are() -> None:
    notes = [Note("Normal", word, word) for word in ("Released", "Started", "Finished")]
    events = await recorded(Gateway(), notes[0], FAILED, *notes[1:])
    assert [event["reason"] for event in events] == ["Failed", "Finished"]


@in_virtual_time
async def test_of_many_jobs_at_once_each_ones_end_is_told() -> None:
    gateway = Gateway()
    recorder = Recorder(gateway, "operator-1")
    work = asyncio.create_task(recorder.run())
    for number in range(2000):
        for note in (Note("Normal", "Started", "it runs"), FAILED):
            recorder.record(job(f"train-{number}"), note)
    await asyncio.sleep(100)
    work.cancel()
    told = [event["regarding"]["name"] for event in gateway.events if event["reason"] == "Failed"]
    assert sorted(told) == sorted(f"train-{number}" for number in range(2000))


@in_virtual_time
async def test_nothing_is_lost_while_the_api_server_asks_to_be_left_alone() -> None:
    gateway = Gateway(refuse=5, error=UnavailableError("too many requests", retry_after=20.0))
    events = await recorded(gateway, FAILED, seconds=19.0)
    assert events == []
    assert gateway.asked == 1
    events = await recorded(gateway, FAILED, seconds=200.0)
    assert [event["reason"] for event in events] == ["Failed"]


@in_virtual_time
async def test_an_event_whose_answer_was_lost_is_told_once() -> None:
    gateway = Gateway(refuse=1, error=ConflictError("already exists"))
    events = await recorded(gateway, FAILED, Note("Warning", "Failed", "for another cause"))
    assert [event["note"] for event in events] == ["for another cause"]


@given(st.text(st.characters(codec=None, categories=None), max_size=2000))
def test_any_text_is_told(text: str) -> None:
    async def check() -> None:
        (event,) = await recorded(Gateway(), Note("Warning", "Failed", text))
        assert len(event["note"].encode()) <= MAX_NOTE_BYTES

    run(check())
