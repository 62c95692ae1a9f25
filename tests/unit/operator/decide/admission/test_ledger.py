from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobStatus, RequeueState
from alidade_operator.decide.admission.ledger import TOLD_POSITIONS, QueueLedger
from alidade_operator.decide.admitted import Admitted, NotYet
from tests.support.builders import NOW, ago, job, queue, stamp


def waiting(
    name: str,
    *,
    priority: int = 0,
    created: datetime | None = None,
    experiment: str = "mnist",
    until: datetime | None = None,
) -> Job:
    state = RequeueState(count=1, requeue_at=until) if until else None
    return job(
        name,
        priority=priority,
        experiment=experiment,
        status=JobStatus(requeue_state=state),
        meta={"creationTimestamp": stamp(created or ago(0))},
    )


def hold(ledger: QueueLedger, name: str, holder: str = "batch", experiment: str = "mnist") -> None:
    ledger.hold(f"uid-{name}", holder, experiment)


def line(*jobs: Job) -> QueueLedger:
    ledger = QueueLedger()
    for one in jobs:
        ledger.ask(one)
    return ledger


def test_priority_then_age_then_name_decide_whose_turn_it_is() -> None:
    ledger = line(
        waiting("young", created=ago(1)),
        waiting("old-b", created=ago(9)),
        waiting("old-a", created=ago(9)),
        waiting("low", priority=-1, created=ago(99)),
        waiting("high", priority=5, created=ago(0)),
    )
    assert ledger.in_line() == ("high", "old-a", "old-b", "young", "low")


@pytest.mark.parametrize(
    ("limit", "running", "called"),
    [(0, 0, ()), (1, 0, ("a",)), (2, 0, ("a", "b")), (2, 1, ("a",)), (2, 2, ()), (1, 2, ())],
)
def test_as_many_are_called_as_there_are_places(
    limit: int, running: int, called: tuple[str, ...]
) -> None:
    ledger = line(waiting("a"), waiting("b"), waiting("c"))
    for number in range(running):
        hold(ledger, f"running-{number}")
    cpu = queue(maxRunning=limit)
    assert ledger.next_in_line(cpu) == called
    places = {name: ledger.place(f"uid-{name}", cpu) for name in "abc"}
    assert {name for name, place in places.items() if place == Admitted()} == set(called)


def test_without_a_limit_nobody_waits_for_another_to_make_room() -> None:
    ledger = line(*(waiting(f"job-{n}") for n in range(50)))
    assert all(ledger.place(f"uid-job-{n}", queue()) == Admitted() for n in range(50))
    assert ledger.next_in_line(queue()) == ()


@pytest.mark.parametrize("policy", ["Hold", "HoldAndDrain"])
@pytest.mark.parametrize("limit", [None, 5])
def test_a_held_queue_calls_nobody(policy: str, limit: int | None) -> None:
    ledger, held = line(waiting("a")), queue(stopPolicy=policy, maxRunning=limit)
    assert ledger.next_in_line(held) == ()
    assert ledger.place("uid-a", held) == NotYet(
        "QueueHeld", f"queue cpu is held (stopPolicy {policy})"
    )


def test_a_job_that_has_to_wait_is_told_its_position() -> None:
    ledger = line(waiting("a"), waiting("b"))
    hold(ledger, "running")
    assert ledger.place("uid-b", queue(maxRunning=1)) == NotYet(
        "QueueFull", "position 2 of 2 in queue cpu (1 of 1 running)"
    )


def test_far_back_no_position_is_told() -> None:
    ledger = line(*(waiting(f"job-{n:03}") for n in range(TOLD_POSITIONS + 1)))
    place = ledger.place(f"uid-job-{TOLD_POSITIONS:03}", queue(maxRunning=0))
    assert isinstance(place, NotYet)
    assert place.message == f"behind {TOLD_POSITIONS} others in queue cpu (maxRunning 0)"
    assert len(ledger.in_line()) == TOLD_POSITIONS


@pytest.mark.parametrize("leaves", [False, True])
def test_a_job_that_is_overtaken_is_told_so_once_if_it_still_waits(leaves: bool) -> None:
    ledger = line(*(waiting(f"job-{n:03}") for n in range(TOLD_POSITIONS)))
    last = ledger.in_line()[-1]
    ledger.ask(waiting("urgent", priority=1))
    if leaves:
        ledger.leave(f"uid-{last}")
    else:
        assert ledger.in_line()[-1] == last
    assert ledger.in_line()[0] == "urgent"
    assert last not in ledger.in_line()


def test_a_job_that_is_not_in_line_comes_after_those_that_are() -> None:
    ledger = line(waiting("a"))
    assert isinstance(ledger.place("uid-stranger", queue(maxRunning=1)), NotYet)


def test_a_reserved_place_counts_once_however_the_news_of_it_arrives() -> None:
    ledger = line(waiting("a"), waiting("b"))
    ledger.reserve("uid-a")
    assert (ledger.running, ledger.queued) == (1, 1)
    hold(ledger, "a")
    assert ledger.running == 1
    assert not ledger.leave("uid-a")
    assert ledger.running == 1


def test_giving_up_a_reserved_place_makes_room() -> None:
    ledger = line(waiting("a"))
    ledger.reserve("uid-a")
    assert ledger.leave("uid-a")
    assert (ledger.running, ledger.queued) == (0, 0)
    assert not ledger.leave("uid-a")


def test_whoever_holds_or_is_kept_a_place_does_not_stand_in_line() -> None:
    ledger = line(waiting("a"), waiting("b"))
    hold(ledger, "a")
    ledger.reserve("uid-b")
    ledger.ask(waiting("a"))
    ledger.ask(waiting("b"))
    assert ledger.queued == 0
    assert not ledger.has("uid-a")


def test_leaving_makes_room_once() -> None:
    ledger = line(waiting("a"))
    ledger.ask(waiting("a"))
    assert ledger.has("uid-a")
    assert [ledger.leave("uid-a"), ledger.leave("uid-a")] == [True, False]
    assert not ledger.has("uid-a")


def test_a_place_is_vacated_once() -> None:
    ledger = QueueLedger()
    hold(ledger, "a")
    assert [ledger.vacate("uid-a", "batch") for _ in range(2)] == [True, False]


def test_a_job_of_no_known_age_cannot_stand_in_line() -> None:
    with pytest.raises(ValueError, match="creationTimestamp"):
        line(job("a", meta={"creationTimestamp": None}))


def test_a_job_holds_one_place_as_long_as_anything_of_it_may_run() -> None:
    ledger = line(waiting("b"))
    for holder in ("batch", "pod-1", "pod-2"):
        hold(ledger, "a", holder)
    assert ledger.running == 1
    assert not ledger.vacate("uid-a", "batch")
    assert not ledger.vacate("uid-a", "pod-2")
    assert isinstance(ledger.place("uid-b", queue(maxRunning=1)), NotYet)
    assert ledger.vacate("uid-a", "pod-1")
    assert ledger.place("uid-b", queue(maxRunning=1)) == Admitted()


def test_a_job_whose_pod_has_yet_to_end_is_not_let_run_beside_it() -> None:
    ledger = QueueLedger()
    hold(ledger, "a", "pod-1")
    ledger.ask(waiting("a"))
    assert (ledger.has("uid-a"), ledger.holds("uid-a")) == (False, True)
    for limit in (None, 1, 5):
        place = ledger.place("uid-a", queue(maxRunning=limit))
        assert place == NotYet("Stopping", "a pod of it has yet to end, and holds its place")
    # Kueue sees to that itself.
    assert ledger.place("uid-a", queue(kueueLocalQueue="team")) == Admitted()
    held = ledger.place("uid-a", queue(stopPolicy="Hold"))
    assert isinstance(held, NotYet)
    assert held.reason == "QueueHeld"


def test_places_go_round_by_experiment() -> None:
    study = [waiting(f"study-{n}", experiment="study", created=ago(100 - n)) for n in range(9)]
    other = waiting("one", experiment="other", created=ago(1))
    ledger = line(*study, other)
    assert ledger.in_line()[:3] == ("study-0", "one", "study-1")
    hold(ledger, "earlier", experiment="study")
    assert ledger.in_line()[:3] == ("one", "study-0", "study-1")
    hold(ledger, "another", experiment="other")
    hold(ledger, "third", experiment="other")
    assert ledger.in_line()[:4] == ("study-0", "one", "study-1", "study-2")
    ledger.vacate("uid-earlier", "batch")
    assert ledger.in_line()[:4] == ("study-0", "study-1", "one", "study-2")


def test_where_one_job_runs_at_a_time_the_experiments_take_turns() -> None:
    study = [waiting(f"study-{n}", experiment="study", created=ago(100 - n)) for n in range(9)]
    ledger = line(*study)
    hold(ledger, "study-0", experiment="study")
    ledger.ask(waiting("one", experiment="other", created=ago(1)))
    ledger.vacate("uid-study-0", "batch")
    assert ledger.next_in_line(queue(maxRunning=1)) == ("one",)
    hold(ledger, "one", experiment="other")
    ledger.ask(waiting("two", experiment="other", created=ago(200)))
    ledger.vacate("uid-one", "batch")
    assert ledger.next_in_line(queue(maxRunning=1)) == ("study-1",)


def test_a_higher_priority_goes_first_whatever_its_experiment_runs() -> None:
    ledger = line(waiting("low", experiment="other", created=ago(9)), waiting("high", priority=1))
    hold(ledger, "running")
    assert ledger.in_line() == ("high", "low")


def test_a_place_given_in_one_priority_counts_in_the_next() -> None:
    ledger = line(
        waiting("urgent", priority=1, experiment="study"),
        waiting("study", experiment="study", created=ago(9)),
        waiting("other", experiment="other", created=ago(1)),
    )
    assert ledger.in_line() == ("urgent", "other", "study")


def test_one_that_gave_its_place_back_stands_behind_all_until_its_pause_is_over() -> None:
    paused = waiting("paused", priority=9, created=ago(99), until=ago(-60))
    ledger = line(paused, waiting("low", priority=-9))
    assert ledger.in_line() == ("low", "paused")
    assert (ledger.queued, ledger.contested) == (2, True)
    assert ledger.place("uid-paused", queue(maxRunning=1)) == NotYet(
        "QueueFull", "position 2 of 2 in queue cpu (0 of 1 running)"
    )
    ledger.resume(ago(-59))
    assert ledger.in_line() == ("low", "paused")
    ledger.resume(ago(-60))
    assert ledger.in_line() == ("paused", "low")


def test_after_its_pause_one_counts_from_its_end_on() -> None:
    ledger = line(waiting("paused", created=ago(99), until=ago(9)), waiting("b", created=ago(50)))
    ledger.resume(NOW)
    assert ledger.in_line() == ("b", "paused")


def test_one_that_gave_its_place_back_is_never_before_an_older_one_by_the_operators_clock() -> None:
    # The API server's clock is an hour ahead.
    ledger = line(
        waiting("older", created=ago(-3600)),
        waiting("paused", created=ago(-3700), until=ago(60)),
        waiting("young", created=ago(-3800)),
    )
    ledger.resume(NOW)
    assert ledger.in_line() == ("older", "paused", "young")


def test_with_nobody_else_in_line_one_that_gave_its_place_back_may_try_again() -> None:
    ledger = line(waiting("paused", until=ago(-60)))
    assert not ledger.contested
    assert ledger.place("uid-paused", queue(maxRunning=1)) == Admitted()
    assert ledger.next_in_line(queue(maxRunning=1)) == ("paused",)
    assert ledger.leave("uid-paused")
    assert (ledger.queued, ledger.in_line()) == (0, ())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ask", "reserve", "hold", "vacate", "leave"]), st.sampled_from("abcd")
        )
    ),
    st.integers(0, 3),
)
def test_no_more_are_admitted_than_there_are_places(
    history: list[tuple[str, str]], limit: int
) -> None:
    ledger, cpu = QueueLedger(), queue(maxRunning=limit)
    for act, name in history:
        if act == "ask":
            ledger.ask(waiting(name))
        elif act == "hold":
            hold(ledger, name)
        elif act == "vacate":
            ledger.vacate(f"uid-{name}", "batch")
        elif act == "leave":
            ledger.leave(f"uid-{name}")
        elif ledger.has(f"uid-{name}") and ledger.place(f"uid-{name}", cpu) == Admitted():
            before = ledger.running
            ledger.reserve(f"uid-{name}")
            assert ledger.running == before + 1 <= limit
        called = ledger.next_in_line(cpu)
        assert len(called) == min(ledger.queued, max(0, limit - ledger.running))
        assert called == ledger.in_line()[: len(called)]
