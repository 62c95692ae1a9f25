import asyncio

import pytest

from alidade_operator.act.last_lines import MAX_BYTES, READERS, WAIT_SECONDS, LastLines
from alidade_operator.decide.actions import ReadLastLines
from alidade_operator.index.cache import WorkKey
from alidade_operator.kube.gateway import ApiError, ForbiddenError, NotFoundError, UnavailableError
from tests.support.reconciling import Gateway as Server
from tests.support.simulation.api_server import ApiServer
from tests.support.virtual_time import now, run

KEY = WorkKey("job", "lab", "train")
ASKED = ReadLastLines("p", "worker")


class Logs(Server):
    """A gateway that gives one answer after the other, the last of them for ever."""

    def __init__(self, *answers: bytes | ApiError | None) -> None:
        super().__init__(ApiServer(lambda *_: None))
        self.answers = list(answers)
        self.tries = 0

    async def read_log(self, namespace: str, pod: str, container: str, *, tail_lines: int) -> bytes:
        self.tries += 1
        answer = self.answers[min(self.tries, len(self.answers)) - 1]
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, ApiError):
            raise answer
        return answer or b""


def read(*answers: bytes | ApiError | None) -> tuple[str | None, float]:
    """Return what is known in the end, and after how long."""

    async def ask() -> tuple[str | None, float]:
        woken = asyncio.Event()
        lines = LastLines(Logs(*answers), lambda _: woken.set())
        work = asyncio.create_task(lines.run())
        lines.request(KEY, "u", ASKED)
        assert lines.said("u") == {}
        await woken.wait()
        work.cancel()
        said = lines.said("u")["p", "worker"]
        lines.forget("u")
        assert lines.said("u") == {}
        return said, now()

    return run(ask())


@pytest.mark.parametrize("answer", [b"no luck\n", b"", "größe 没\n".encode()])
def test_the_end_of_a_log_is_read_once(answer: bytes) -> None:
    assert read(answer) == (answer.decode(), 0)


def test_no_more_is_kept_than_tells() -> None:
    said, _ = read(b"x" * (MAX_BYTES + 1))
    assert said is not None
    assert len(said) == MAX_BYTES


def test_what_is_no_text_is_shown_as_such() -> None:
    assert read(b"\xff luck") == ("\N{REPLACEMENT CHARACTER} luck", 0)


@pytest.mark.parametrize("error", [ForbiddenError("no right to pods/log"), NotFoundError("gone")])
def test_a_log_that_may_not_be_read_is_not_waited_for(error: ApiError) -> None:
    assert read(error) == (None, 0)


def test_an_api_server_that_is_away_is_asked_again() -> None:
    assert read(UnavailableError("away"), UnavailableError("away"), b"no luck") == ("no luck", 2)


@pytest.mark.parametrize("answer", [None, UnavailableError("away")])
def test_a_log_that_does_not_come_is_given_up(answer: ApiError | None) -> None:
    assert read(answer) == (None, WAIT_SECONDS)


def test_no_end_waits_longer_for_want_of_a_reader() -> None:
    async def ask() -> dict[str, float]:
        woken: dict[str, float] = {}

        def wake(key: WorkKey) -> None:
            woken[key.name] = now()

        lines = LastLines(Logs(None), wake)
        work = asyncio.create_task(lines.run())
        for number in range(3 * READERS):
            lines.request(WorkKey("job", "lab", f"job-{number}"), f"u{number}", ASKED)
        await asyncio.sleep(10 * WAIT_SECONDS)
        work.cancel()
        return woken

    woken = run(ask())
    assert len(woken) == 3 * READERS
    assert set(woken.values()) == {WAIT_SECONDS}
