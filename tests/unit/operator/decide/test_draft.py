from datetime import timedelta

import pytest

from alidade_operator.decide.draft import Draft
from tests.support.builders import NOW, ago, job, snapshot


@pytest.mark.parametrize(("passed", "left"), [(0, 60), (40, 20), (59.5, 1)])
def test_what_is_not_due_yet_is_looked_at_when_it_is(passed: float, left: int) -> None:
    draft = Draft(snapshot(job()))
    assert not draft.due(ago(passed), 60)
    assert draft.wake_after == timedelta(seconds=left)


@pytest.mark.parametrize("passed", [60, 61, 10**9])
def test_what_is_due_needs_no_other_look(passed: float) -> None:
    draft = Draft(snapshot(job()))
    assert draft.due(ago(passed), 60)
    assert draft.wake_after is None


@pytest.mark.parametrize("seconds", [10**9, 10**12, 2**63 - 1])
def test_times_beyond_those_of_a_clock_are_waited_for_day_by_day(seconds: int) -> None:
    draft = Draft(snapshot(job()))
    assert not draft.due(NOW, seconds)
    assert draft.wake_after == timedelta(days=1)
