from collections.abc import Iterable

import pytest

from alidade_core.api.experiment import MAX_SETBACKS, Departure, Setback
from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState, JobStatus
from alidade_operator.decide.sums.tally import MAX_MESSAGE, Tally
from tests.support.builders import ago, job

S = JobState


def ended(
    name: str,
    state: JobState = S.FAILED,
    seconds_ago: int = 0,
    reason: str = "Error",
    uid: str = "",
) -> Job:
    status = JobStatus(
        state=state,
        reason=reason,
        message=f"failed: {reason}",
        completion_time=ago(seconds_ago) if state.ended else None,
    )
    return job(name, status=status, meta={"uid": uid or f"uid-{name}"})


def tally(*jobs: Job) -> Tally:
    found = Tally()
    for one in jobs:
        found.put(one)
    return found


def told(setbacks: Iterable[Setback]) -> list[tuple[str, Departure | None]]:
    return [(setback.name, setback.departure) for setback in setbacks]


def test_jobs_are_counted_by_their_last_state_and_new_ones_wait() -> None:
    found = tally(job("a"), ended("b"), ended("a", S.STARTED))
    assert +found.states == {S.STARTED: 1, S.FAILED: 1}
    found.drop(ended("b"))
    assert +found.states == {S.STARTED: 1}


def test_what_failed_by_itself_comes_first_and_then_what_failed_before() -> None:
    found = tally(
        ended("skipped", S.SKIPPED, 90),
        ended("with-another", S.FAILED, 80, "DependencyUnsatisfied"),
        ended("late", S.FAILED, 5),
        ended("early", S.FAILED, 60),
        ended("well", S.FINISHED),
        ended("open", S.STARTED),
    )
    first = found.setbacks(())
    assert [s.name for s in first] == ["early", "late", "with-another", "skipped"]
    assert (first[0].state, first[0].message) == (S.FAILED, "failed: Error")


@pytest.mark.parametrize("known", [True, False], ids=["told before", "not told yet"])
@pytest.mark.parametrize(
    ("expires", "departure"), [(True, Departure.EXPIRED), (False, Departure.DELETED)]
)
def test_a_failure_is_kept_when_its_job_is_gone(
    known: bool, expires: bool, departure: Departure
) -> None:
    found = tally(ended("a"))
    before = found.setbacks(()) if known else ()
    if expires:
        found.expire("uid-a")
    found.drop(ended("a"))
    after = found.setbacks(before)
    assert told(after) == [("a", departure)]
    assert found.setbacks(after) == after


def test_a_failure_is_kept_when_its_job_went_while_nobody_looked() -> None:
    after = tally().setbacks(tally(ended("a")).setbacks(()))
    assert told(after) == [("a", Departure.UNSEEN)]
    assert tally().setbacks(after) == after


def test_how_a_job_went_is_not_forgotten_over_a_restart() -> None:
    found = tally(ended("a"))
    found.drop(ended("a"))
    assert told(tally().setbacks(found.setbacks(()))) == [("a", Departure.DELETED)]


@pytest.mark.parametrize("again", [job("a", meta={"uid": "2"}), ended("a", S.FINISHED, uid="2")])
def test_a_job_of_the_same_name_takes_the_place_of_one_that_is_gone(again: Job) -> None:
    found = tally(ended("a"))
    found.drop(ended("a"))
    before = found.setbacks(())
    found.put(again)
    assert found.setbacks(before) == ()


def test_one_that_is_made_again_and_expires_after_a_good_end_leaves_nothing() -> None:
    found = tally(ended("a"))
    found.drop(ended("a"))
    again = ended("a", S.FINISHED, uid="2")
    found.put(again)
    found.drop(again)
    assert found.setbacks(()) == ()


@pytest.mark.parametrize("state", [s for s in S if s is not S.FINISHED])
def test_whatever_was_deleted_before_a_good_end_is_told(state: JobState) -> None:
    found = tally(ended("a", state))
    found.drop(ended("a", state))
    assert [(s.state, s.departure) for s in found.setbacks(())] == [(state, Departure.DELETED)]


def test_of_many_setbacks_the_first_are_kept() -> None:
    jobs = [ended(f"j{n:03}", seconds_ago=1000 - n) for n in range(3 * MAX_SETBACKS)]
    found = tally(*jobs)
    first = found.setbacks(())
    assert [s.name for s in first] == [f"j{n:03}" for n in range(MAX_SETBACKS)]
    for one in jobs:
        found.drop(one)
    assert [s.name for s in found.setbacks(first)] == [s.name for s in first]


def test_a_long_message_is_cut() -> None:
    long = ended("a", reason=1000 * "x")
    assert len(tally(long).setbacks(())[0].message) == MAX_MESSAGE
