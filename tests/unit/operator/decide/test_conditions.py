from datetime import timedelta

from alidade_operator.decide.conditions import set_condition
from tests.support.builders import NOW

LATER = NOW + timedelta(minutes=1)


def test_a_new_condition_comes_last_with_the_time() -> None:
    one = set_condition((), "Started", True, "PodStarted", now=NOW)
    two = set_condition(one, "Complete", False, "Open", "not yet", now=LATER, generation=3)
    assert [c.type for c in two] == ["Started", "Complete"]
    assert (two[1].status, two[1].reason, two[1].message) == ("False", "Open", "not yet")
    assert (two[1].last_transition_time, two[1].observed_generation) == (LATER, 3)


def test_the_transition_time_moves_with_the_status_alone() -> None:
    first = set_condition((), "Suspended", True, "Created", now=NOW)
    same = set_condition(first, "Suspended", True, "QueueHeld", "held", now=LATER)
    assert (same[0].reason, same[0].last_transition_time) == ("QueueHeld", NOW)
    changed = set_condition(same, "Suspended", False, "Released", now=LATER)
    assert changed[0].last_transition_time == LATER


def test_a_condition_is_changed_in_place() -> None:
    both = set_condition(set_condition((), "A", True, "R", now=NOW), "B", True, "R", now=NOW)
    assert [c.type for c in set_condition(both, "A", False, "R", now=NOW)] == ["A", "B"]


def test_times_are_whole_seconds_as_the_api_has_them() -> None:
    conditions = set_condition((), "A", True, "R", now=NOW + timedelta(microseconds=5))
    assert conditions[0].last_transition_time == NOW


def test_a_message_is_cut_to_what_the_api_takes() -> None:
    (condition,) = set_condition((), "A", True, "R", 40_000 * "x", now=NOW)
    assert len(condition.message) == 32_768
