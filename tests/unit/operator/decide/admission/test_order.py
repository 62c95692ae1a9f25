from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from alidade_operator.decide.admission.order import Turn, Turns
from tests.support.builders import NOW

EXPERIMENTS = "abcd"
turns = st.builds(
    lambda before, age, name, experiment: Turn(
        before, NOW - timedelta(seconds=age), f"j{name}", f"uid-{name}", experiment
    ),
    st.integers(-2, 0),
    st.integers(0, 5),
    st.integers(0, 10**6),
    st.sampled_from(EXPERIMENTS),
)


def by_hand(
    waiting: list[Turn], running: Counter[str], started: list[str], count: int
) -> list[Turn]:
    """Give places away one after the other, looking at all that wait each time."""
    left, given = list(waiting), Counter(running)
    served = {experiment: number for number, experiment in enumerate(started, start=1)}
    order: list[Turn] = []
    while left and len(order) < count:

        def rank(turn: Turn) -> tuple[object, ...]:
            return (turn.before, given[turn.experiment], served.get(turn.experiment, 0), turn)

        order.append(min(left, key=rank))
        left.remove(order[-1])
        given[order[-1].experiment] += 1
        served[order[-1].experiment] = len(started) + len(order)
    return order


@given(
    st.lists(turns, unique_by=lambda turn: turn.uid, max_size=20),
    st.lists(st.sampled_from(EXPERIMENTS), max_size=8),
    st.data(),
)
def test_the_order_is_that_of_places_given_away_one_after_the_other(
    waiting: list[Turn], started: list[str], data: st.DataObject
) -> None:
    found, running = Turns(), Counter(started)
    steps: list[Turn | str] = [*waiting, *started]
    started = []
    for step in data.draw(st.permutations(steps)):
        if isinstance(step, Turn):
            found.add(step)
        else:
            started.append(step)
            found.count(step, +1)
    order = by_hand(waiting, running, started, 99)
    assert found.first(len(waiting)) == order
    count = data.draw(st.integers(0, 25))
    assert found.first(count) == order[:count]
    gone = data.draw(st.sets(st.sampled_from(waiting))) if waiting else set()
    for turn in gone:
        found.remove(turn)
    for experiment in started[::2]:
        found.count(experiment, -1)
        running[experiment] -= 1
    left = [turn for turn in waiting if turn not in gone]
    assert found.first(99) == by_hand(left, running, started, 99)


class Counted(int):
    """A priority that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: int) -> bool:
        Counted.compared += 1
        return int(self) < int(other)

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return int(self) == other

    __hash__ = int.__hash__


def test_to_ask_who_is_next_takes_no_walk_along_all_that_wait() -> None:
    found = Turns()
    for number in range(2000):
        experiment = f"e{number % 500}"
        found.add(Turn(Counted(0), NOW, f"j{number:05}", f"uid-{number}", experiment))
    Counted.compared = 0
    assert len(found.first(20)) == 20
    found.count("e7", +1)
    found.remove(found.first(1)[0])
    assert Counted.compared < 1000
