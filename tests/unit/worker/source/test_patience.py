import pytest

from alidade_worker.source.patience import Patience
from alidade_worker.source.problems import AwayError, RefusedError, TurnedAwayError
from tests.unit.worker.source.clock import Clock


def patience(clock: Clock, seconds: float) -> Patience:
    return Patience(seconds, clock=lambda: clock.now, sleep=clock.sleep)


def test_pauses_grow_up_to_a_minute_and_end_in_time() -> None:
    clock = Clock()

    def attempt() -> None:
        raise AwayError("it is away")

    with pytest.raises(AwayError, match="it is away"):
        patience(clock, 300).persist(attempt)
    assert clock.pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_what_comes_back_is_had_and_each_try_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    answers = iter([AwayError("it is away"), AwayError("it is busy", retry_after=30.0), None])

    def attempt() -> str:
        problem = next(answers)
        if problem is not None:
            raise problem
        return "here"

    assert patience(clock, 300).persist(attempt) == "here"
    assert clock.pauses == [1, 30]
    assert capfd.readouterr().err == (
        "alidade-worker: it is away; tried again in 1 s\n"
        "alidade-worker: it is busy; tried again in 30 s\n"
    )


@pytest.mark.parametrize("problem", [RefusedError("no"), TurnedAwayError("not you")])
def test_what_no_waiting_mends_is_told_at_once(problem: Exception) -> None:
    clock = Clock()

    def attempt() -> None:
        raise problem

    with pytest.raises(type(problem)):
        patience(clock, 300).persist(attempt)
    assert clock.pauses == []


def test_who_asks_for_more_time_than_there_is_is_not_waited_for() -> None:
    clock = Clock()

    def attempt() -> None:
        raise AwayError("it is busy", retry_after=120.0)

    with pytest.raises(AwayError):
        patience(clock, 100).persist(attempt)
    assert clock.pauses == []
