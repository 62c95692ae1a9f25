"""The graph of jobs and what they depend on: who waits for whom, and where it goes in a circle.

Edges come from specs, which never change, so a circle can only close when a job is added, and
break when one is removed; who is in one is found out then and remembered.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable

from alidade_operator.index.levels import Key, Levels

__all__ = ("DependencyGraph", "Key")


class DependencyGraph:
    """Jobs, an edge from each job to each job it depends on.

    A job that nothing depends on, and that depends on nothing, needs no node.
    """

    def __init__(self) -> None:
        self._needs: dict[Key, tuple[Key, ...]] = {}
        # Dictionaries, as the order of a set is another in each process.
        self._needed_by: dict[Key, dict[Key, None]] = {}
        # Edges that close a circle have no part in levels; by namespace, which no edge leaves.
        self._closing: defaultdict[str, dict[tuple[Key, Key], None]] = defaultdict(dict)
        self._levels = Levels(self._above, self._below)
        self._circular: set[Key] = set()

    def add(self, job: Key, dependencies: Iterable[Key]) -> tuple[Key, ...]:
        """Add a job; return those whose cycle is another now, by name."""
        needs = tuple(dict.fromkeys(dependencies))
        if not needs:
            return ()
        self._needs[job] = needs
        for dependency in needs:
            self._needed_by.setdefault(dependency, {})[job] = None
        closing = {(job, other): None for other in needs if not self._levels.fit(job, other)}
        if closing:
            self._closing[job[0]] |= closing
        if job[0] not in self._closing or not self._comes_back_to(job):
            return ()
        knot = self._knot(job)
        self._circular |= knot
        return tuple(sorted(knot))

    def remove(self, job: Key) -> tuple[Key, ...]:
        """Remove a job; return those whose cycle is another now, or none, by name."""
        if job not in self._needs and job not in self._needed_by:
            return ()
        knot = self._knot(job) if job in self._circular else frozenset()
        needs = self._needs.pop(job, ())
        for dependency in needs:
            del self._needed_by[dependency][job]
            if not self._needed_by[dependency]:
                del self._needed_by[dependency]
        for node in (job, *needs):
            if node not in self._needs and node not in self._needed_by:
                self._levels.drop(node)
        self._open_circles(job, needs)
        self._circular -= {member for member in knot if not self._comes_back_to(member)}
        return tuple(sorted(knot))

    def dependents(self, job: Key) -> tuple[Key, ...]:
        """Return the jobs that depend on this one."""
        return tuple(self._needed_by.get(job, ()))

    def cycle(self, job: Key) -> tuple[Key, ...]:
        """Return a cycle that this job is part of, in order of dependence, or nothing.

        It is the shortest, and of several the first by name, whatever was added first.
        """
        came_from: dict[Key, Key] = {}
        ahead = deque([job] if job in self._circular else [])
        while ahead:
            member = ahead.popleft()
            for dependency in sorted(self._needs.get(member, ())):
                if dependency == job:
                    return self._way(job, member, came_from)
                if dependency in self._circular and dependency not in came_from:
                    came_from[dependency] = member
                    ahead.append(dependency)
        return ()

    def _way(self, job: Key, member: Key, came_from: dict[Key, Key]) -> tuple[Key, ...]:
        way = [member]
        while way[-1] != job:
            way.append(came_from[way[-1]])
        return tuple(reversed(way))

    def _open_circles(self, job: Key, needs: Iterable[Key]) -> None:
        """Give a part in levels to what closes no circle any more, as a job was removed."""
        closing = self._closing.get(job[0])
        if closing is None:
            return
        for dependency in needs:
            closing.pop((job, dependency), None)
        for edge in tuple(closing):
            if self._levels.fit(*edge):
                del closing[edge]
        if not closing:
            del self._closing[job[0]]

    def _above(self, job: Key) -> Iterable[Key]:
        closing = self._closing.get(job[0], ())
        return (other for other in self._needed_by.get(job, ()) if (other, job) not in closing)

    def _below(self, job: Key) -> Iterable[Key]:
        closing = self._closing.get(job[0], ())
        return (other for other in self._needs.get(job, ()) if (job, other) not in closing)

    def _comes_back_to(self, job: Key) -> bool:
        return job in self._all(self._needs.get(job, ()), self._dependencies)

    def _knot(self, job: Key) -> frozenset[Key]:
        """Return all that are in a circle with this job, itself among them."""
        ahead = self._all(self._dependencies(job), self._dependencies)
        behind = self._all(self.dependents(job), self.dependents)
        return frozenset({job, *(ahead & behind)})

    def _dependencies(self, job: Key) -> tuple[Key, ...]:
        return self._needs.get(job, ())

    def _all(self, start: Iterable[Key], neighbours: Callable[[Key], Iterable[Key]]) -> set[Key]:
        """Return all that is reached, those with which it starts among them."""
        found = set(start)
        ahead = list(found)
        while ahead:
            for job in neighbours(ahead.pop()):
                if job not in found:
                    found.add(job)
                    ahead.append(job)
        return found
