"""The graph of jobs and what they depend on: who waits for whom, and where it goes in a circle.

Edges come from specs, which never change, so a circle can only close when a job is added, and
break when one is removed; who is in one is found out then and remembered.
"""

from collections import deque
from collections.abc import Iterable

import networkx as nx

Key = tuple[str, str]
"""Namespace and name of a job."""


class DependencyGraph:
    """Jobs as nodes, an edge from each job to each job it depends on.

    A job that nothing depends on, and that depends on nothing, needs no node.
    """

    def __init__(self) -> None:
        self._graph: nx.DiGraph[Key] = nx.DiGraph()
        self._circular: set[Key] = set()

    def add(self, job: Key, dependencies: Iterable[Key]) -> tuple[Key, ...]:
        """Add a job; return those whose cycle is another now, by name."""
        self._graph.add_edges_from((job, dependency) for dependency in dependencies)
        if not self._comes_back_to(job):
            return ()
        knot = self._knot(job)
        self._circular |= knot
        return tuple(sorted(knot))

    def remove(self, job: Key) -> tuple[Key, ...]:
        """Remove a job; return those whose cycle is another now, or none, by name."""
        if job not in self._graph:
            return ()
        knot = self._knot(job) if job in self._circular else frozenset()
        dependencies = list(self._graph.successors(job))
        self._graph.remove_edges_from([(job, dependency) for dependency in dependencies])
        self._graph.remove_nodes_from(
            [node for node in (job, *dependencies) if not self._graph.degree(node)]
        )
        self._circular -= {member for member in knot if not self._comes_back_to(member)}
        return tuple(sorted(knot))

    def dependents(self, job: Key) -> tuple[Key, ...]:
        """Return the jobs that depend on this one."""
        return tuple(self._graph.predecessors(job)) if job in self._graph else ()

    def cycle(self, job: Key) -> tuple[Key, ...]:
        """Return a cycle that this job is part of, in order of dependence, or nothing.

        It is the shortest, and of several the first by name, whatever was added first.
        """
        came_from: dict[Key, Key] = {}
        ahead = deque([job] if job in self._circular else [])
        while ahead:
            member = ahead.popleft()
            for dependency in sorted(self._graph.successors(member)):
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

    def _comes_back_to(self, job: Key) -> bool:
        if job not in self._graph or not self._graph.in_degree(job):
            return False
        return any(self._leads(dependency, job) for dependency in self._graph.successors(job))

    def _leads(self, start: Key, end: Key) -> bool:
        try:
            nx.bidirectional_shortest_path(self._graph, start, end)
        except nx.NetworkXNoPath:
            return False
        return True

    def _knot(self, job: Key) -> frozenset[Key]:
        """Return all that are in a circle with this job, itself among them."""
        ahead, behind = nx.descendants(self._graph, job), nx.ancestors(self._graph, job)
        return frozenset({job, *(ahead & behind)})
