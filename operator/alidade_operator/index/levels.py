"""Levels of jobs by what they depend on, as edges come: how a circle is found without long walks.

Jobs come in any order, and a walk along all that each of them leads to takes the square of their
number. So each job has a level, none above that of what it depends on, and a search backwards stays
within one level and gives up after a while: what it was for is then put a level further, which
makes later searches short (Bender, Fineman, Gilbert and Tarjan, "A New Approach to Incremental
Cycle Detection and Related Problems", 2015, where the while depends on the number of edges).
"""

from collections.abc import Callable, Iterable

Key = tuple[str, str]
"""Namespace and name of a job."""

Neighbours = Callable[[Key], Iterable[Key]]
# Many more, and edges cost as much; many fewer, and levels are many, to each of which jobs move up.
MAX_LOOKS = 32


class Levels:
    """Levels of jobs; such that have no edges need none.

    Args:
        above: Returns what depends on a job.
        below: Returns what a job depends on. Edges that `fit` was not asked about, or that did not
            fit, are in neither.
    """

    def __init__(self, above: Neighbours, below: Neighbours) -> None:
        self._above = above
        self._below = below
        self._levels: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self._levels)

    def fit(self, upper: Key, lower: Key) -> bool:
        """Take note that a job depends on another; return whether that closes no circle."""
        level, other = self._level(upper), self._level(lower)
        if level < other:
            return True
        beside = self._beside(upper, level)
        if beside and lower in beside:
            return False
        if beside and level == other:
            return True
        return self._push(lower, beside or {upper}, level if beside else level + 1)

    def drop(self, job: Key) -> None:
        """Forget a job without edges."""
        self._levels.pop(job, None)

    def _level(self, job: Key) -> int:
        return self._levels.get(job, 0)

    def _beside(self, start: Key, level: int) -> set[Key]:
        """Return what leads to a job within its level, nothing where that is too much."""
        looks_left = MAX_LOOKS
        found, ahead = {start}, [start]
        while ahead:
            for job in self._above(ahead.pop()):
                looks_left -= 1
                if looks_left < 0:
                    return set()
                if job not in found and self._level(job) == level:
                    found.add(job)
                    ahead.append(job)
        return found

    def _push(self, start: Key, not_to: set[Key], level: int) -> bool:
        """Have a job, and all that it leads to, at a level at least, unless it leads to these."""
        found, ahead = {start}, [start]
        while ahead:
            for job in self._below(ahead.pop()):
                if job in not_to:
                    return False
                if job not in found and self._level(job) < level:
                    found.add(job)
                    ahead.append(job)
        self._levels.update(dict.fromkeys(found, level))
        return True
