"""In which order jobs that wait for a place get one: by priority, and round by experiment.

First comes the experiment of which the fewest jobs run, then the one that was given a place longest
ago: where one job runs at a time, none runs when the next is chosen.

Each experiment has a line of its own a priority, and of all lines only the heads are compared, so
that neither a job more nor the question who is next takes a walk along all that wait.
"""

from collections import Counter, defaultdict
from datetime import datetime
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import NamedTuple

from sortedcontainers import SortedDict, SortedList


class Turn(NamedTuple):
    """What a job stands in line with; of the same priority and experiment the smaller is first.

    Attributes:
        before: Its priority, the highest being the smallest number.
        since: When it began to ask.
        name: Its name.
        uid: Its UID.
        experiment: Its experiment.
    """

    before: int
    since: datetime
    name: str
    uid: str
    experiment: str


# How many jobs of the experiment run, when it was last given a place, and the first of its line.
_Head = tuple[int, int, Turn]


class Turns:
    """The jobs that wait for a place, of several experiments and priorities."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()
        self._served: dict[str, int] = {}
        self._places_given = 0
        self._lines: defaultdict[str, dict[int, SortedList[Turn]]] = defaultdict(dict)
        self._heads: SortedDict[int, SortedList[_Head]] = SortedDict()

    def add(self, turn: Turn) -> None:
        """Put a job in line."""
        line = self._lines[turn.experiment].setdefault(turn.before, SortedList())
        self._take_head(turn.experiment, turn.before, line)
        line.add(turn)
        self._put_head(turn.experiment, turn.before, line)

    def remove(self, turn: Turn) -> None:
        """Take a job out of line."""
        lines = self._lines[turn.experiment]
        line = lines[turn.before]
        self._take_head(turn.experiment, turn.before, line)
        line.remove(turn)
        self._put_head(turn.experiment, turn.before, line)
        if not line:
            del lines[turn.before]
        if not lines:
            del self._lines[turn.experiment]

    def count(self, experiment: str, change: int) -> None:
        """Take note that more, or fewer, jobs of an experiment run."""
        lines = self._lines.get(experiment, {})
        for before, line in lines.items():
            self._take_head(experiment, before, line)
        self._running[experiment] += change
        if change > 0:
            self._places_given += 1
            self._served[experiment] = self._places_given
        if not self._running[experiment]:
            del self._running[experiment]
        for before, line in lines.items():
            self._put_head(experiment, before, line)

    def first(self, count: int) -> list[Turn]:
        """Return who gets the next places, in their order, if none is given back meanwhile."""
        found: list[Turn] = []
        given: Counter[str] = Counter()
        served: dict[str, int] = {}
        for before, heads in self._heads.items():
            # Of experiments that have been given places the heads stand too far in front.
            near = islice(heads, count - len(found) + len(given))
            ahead = [
                (running + given[head.experiment], served.get(head.experiment, last), head, 0)
                for running, last, head in near
            ]
            heapify(ahead)
            while ahead and len(found) < count:
                running, _, head, at = heappop(ahead)
                found.append(head)
                given[head.experiment] += 1
                served[head.experiment] = last = self._places_given + len(found)
                line = self._lines[head.experiment][before]
                if at + 1 < len(line):
                    heappush(ahead, (running + 1, last, line[at + 1], at + 1))
        return found

    def _take_head(self, experiment: str, before: int, line: "SortedList[Turn]") -> None:
        if line:
            self._heads[before].remove(self._head(experiment, line))
            if not self._heads[before]:
                del self._heads[before]

    def _put_head(self, experiment: str, before: int, line: "SortedList[Turn]") -> None:
        if line:
            heads = self._heads.setdefault(before, SortedList())
            heads.add(self._head(experiment, line))

    def _head(self, experiment: str, line: "SortedList[Turn]") -> _Head:
        return (self._running[experiment], self._served.get(experiment, 0), line[0])
