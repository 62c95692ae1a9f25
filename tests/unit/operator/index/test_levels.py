import random

from alidade_operator.index.levels import MAX_LOOKS, Key, Levels

LAYERS, WIDTH, NEEDS = 40, 50, 3


class Watched:
    """Edges of a graph, and how many of them were looked at."""

    def __init__(self) -> None:
        self.above: dict[Key, list[Key]] = {}
        self.below: dict[Key, list[Key]] = {}
        self.looks = 0
        self.levels = Levels(
            lambda job: self._look(self.above, job), lambda job: self._look(self.below, job)
        )

    def add(self, job: Key, needs: list[Key]) -> None:
        for other in needs:
            assert self.levels.fit(job, other)
            self.below.setdefault(job, []).append(other)
            self.above.setdefault(other, []).append(job)

    def _look(self, edges: dict[Key, list[Key]], job: Key) -> list[Key]:
        self.looks += len(edges.get(job, ()))
        return edges.get(job, [])


def test_jobs_that_come_in_any_order_find_their_levels_without_a_walk_along_all_of_them() -> None:
    chance = random.Random(4)
    names = [[("lab", f"{layer}-{place}") for place in range(WIDTH)] for layer in range(LAYERS)]
    jobs = [
        (job, chance.sample(names[layer - 1], NEEDS))
        for layer in range(1, LAYERS)
        for job in names[layer]
    ]
    chance.shuffle(jobs)
    watched = Watched()
    for job, needs in jobs:
        watched.add(job, needs)
    # A walk along all that each of them leads to looks at some 800 edges for each edge.
    assert watched.looks < 40 * len(jobs) * NEEDS


def test_those_that_come_after_what_they_depend_on_cost_no_look_at_all() -> None:
    watched = Watched()
    for number in range(1, 1000):
        watched.add(("lab", f"{number}"), [("lab", f"{number - 1}")])
    assert watched.looks == 0


def test_those_that_come_before_cost_few() -> None:
    watched = Watched()
    for number in reversed(range(1, 1000)):
        watched.add(("lab", f"{number}"), [("lab", f"{number - 1}")])
    assert watched.looks < MAX_LOOKS * 1000
