import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from alidade_operator.act.log_marks import MARKERS, LogMarks
from alidade_operator.kube.gateway import ApiError, NotFoundError, UnavailableError
from tests.support.builders import NOW
from tests.support.reconciling import Gateway
from tests.support.simulation.api_server import ApiServer
from tests.support.virtual_time import in_virtual_time

FIRST, LATER = "2026-03-01T12:00:03.5Z", "2026-03-01T12:09:00.123456789Z"
LOG = ("p", "worker")


class Logs(Gateway):
    """A gateway that waits five seconds where a log has no line yet, as the kubelet does."""

    def __init__(self) -> None:
        super().__init__(ApiServer(lambda *_: None))
        self.begins: str | ApiError | None = None
        self.speaking: dict[str, str] = {}
        self.looks = 0

    async def log_begins(self, namespace: str, pod: str, container: str) -> str | None:
        self.looks += 1
        found = self.speaking.get(pod, self.begins)
        if isinstance(found, ApiError):
            raise found
        if found is None:
            await asyncio.sleep(5)
        return found


@asynccontextmanager
async def marking() -> AsyncIterator[tuple[Logs, LogMarks]]:
    gateway = Logs()
    marks = LogMarks(gateway)
    work = asyncio.ensure_future(marks.run())
    yield gateway, marks
    assert not work.done()
    work.cancel()


@in_virtual_time
async def test_a_log_is_looked_at_until_it_begins_and_not_again() -> None:
    async with marking() as (gateway, marks):
        marks.add("u", "lab", LOG, NOW)
        await asyncio.sleep(600)
        gateway.begins = LATER
        await asyncio.sleep(10)
        looks = gateway.looks
        marks.add("u", "lab", LOG, NOW)
        await asyncio.sleep(600)
        assert gateway.looks == looks
        # It was waited for, so that is its first line, however late it came.
        assert await marks.missing("u", "lab", LOG) is None


@in_virtual_time
async def test_a_log_whose_first_line_is_another_was_rotated() -> None:
    async with marking() as (gateway, marks):
        gateway.begins = FIRST
        marks.add("u", "lab", LOG, NOW)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gateway.begins = LATER
        told = await marks.missing("u", "lab", LOG)
        assert (
            told == f"what it wrote from {FIRST} until {LATER}, which the kubelet has rotated away"
        )


@in_virtual_time
async def test_of_a_log_about_which_nothing_is_answered_in_time_nothing_is_said() -> None:
    async with marking() as (gateway, marks):
        gateway.begins = FIRST
        marks.add("u", "lab", LOG, NOW)
        await asyncio.sleep(1)
        gateway.begins = None
        with pytest.raises(UnavailableError, match="does not tell in time"):
            await marks.missing("u", "lab", LOG)


@in_virtual_time
async def test_a_log_of_which_nothing_is_left_was_rotated() -> None:
    async with marking() as (gateway, marks):
        gateway.begins = FIRST
        marks.add("u", "lab", LOG, NOW)
        await asyncio.sleep(1)
        gateway.begins = ""
        told = await marks.missing("u", "lab", LOG)
        assert told == f"what it wrote from {FIRST} on, which the kubelet has rotated away"


@in_virtual_time
async def test_a_log_that_nobody_saw_begin_may_lack_something() -> None:
    async with marking() as (gateway, marks):
        gateway.begins = LATER
        marks.add("u", "lab", LOG, NOW)
        marks.add("v", "lab", LOG, NOW + timedelta(minutes=9))
        await asyncio.sleep(1)
        told = f"perhaps what it wrote before {LATER}, as no operator ran that saw it"
        assert await marks.missing("u", "lab", LOG) == told
        assert await marks.missing("v", "lab", LOG) is None


@in_virtual_time
async def test_those_that_say_nothing_keep_no_other_from_its_turn() -> None:
    async with marking() as (gateway, marks):
        for number in range(2 * MARKERS):
            marks.add("u", "lab", (f"silent-{number}", "worker"), NOW)
        gateway.speaking["speaks"] = FIRST
        marks.add("u", "lab", ("speaks", "worker"), NOW)
        await asyncio.sleep(30)
        gateway.speaking["speaks"] = LATER
        assert await marks.missing("u", "lab", ("speaks", "worker"))


@in_virtual_time
async def test_a_log_that_ended_without_a_line_is_looked_at_ever_less_and_not_once_it_is_read() -> (
    None
):
    async with marking() as (gateway, marks):
        gateway.begins = ""
        marks.add("u", "lab", LOG, NOW)
        await asyncio.sleep(60)
        assert 2 < gateway.looks < 12
        marks.settle("u", LOG)
        await asyncio.sleep(20)
        looks = gateway.looks
        await asyncio.sleep(600)
        assert gateway.looks == looks
        assert await marks.missing("u", "lab", LOG) is None


@in_virtual_time
async def test_an_api_server_that_is_away_is_asked_again_and_a_pod_that_is_gone_is_not() -> None:
    async with marking() as (gateway, marks):
        gateway.begins = UnavailableError("away")
        marks.add("u", "lab", LOG, NOW)
        await asyncio.sleep(60)
        assert gateway.looks > 2
        gateway.begins = NotFoundError("gone")
        await asyncio.sleep(20)
        looks = gateway.looks
        await asyncio.sleep(600)
        assert gateway.looks == looks


@in_virtual_time
async def test_of_a_job_that_is_forgotten_nothing_is_known() -> None:
    async with marking() as (gateway, marks):
        marks.add("u", "lab", LOG, NOW)
        marks.forget("u")
        await asyncio.sleep(20)
        assert gateway.looks <= 1
        assert await marks.missing("u", "lab", LOG) is None
