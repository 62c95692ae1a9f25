"""The graph of jobs and what they depend on: who waits for whom, and where it goes in a circle.

Edges come from specs, which never change, so a cycle can only close when a job is added; it is
looked for then and remembered, and a look-up costs nothing however long the chains are.
"""

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
        self._cycles: dict[Key, tuple[Key, ...]] = {}

    def add(self, job: Key, dependencies: Iterable[Key]) -> frozenset[Key]:
        """Add a job; return the members of the cycle that it closes, if any."""
        self._graph.add_edges_from((job, dependency) for dependency in dependencies)
        return self._look_for_cycle(job)

    def remove(self, job: Key) -> frozenset[Key]:
        """Remove a job; return those whose cycle is another now, or none."""
        if job not in self._graph:
            return frozenset()
        dependencies = list(self._graph.successors(job))
        self._graph.remove_edges_from([(job, dependency) for dependency in dependencies])
        self._graph.remove_nodes_from(
            [node for node in (job, *dependencies) if not self._graph.degree(node)]
        )
        concerned = {member for member, cycle in self._cycles.items() if job in cycle}
        for member in concerned:
            del self._cycles[member]
        for member in tuple(concerned):
            concerned |= self._look_for_cycle(member)
        return frozenset(concerned)

    def dependents(self, job: Key) -> tuple[Key, ...]:
        """Return the jobs that depend on this one."""
        return tuple(self._graph.predecessors(job)) if job in self._graph else ()

    def cycle(self, job: Key) -> tuple[Key, ...]:
        """Return the cycle that this job is part of, in order of dependence, or nothing."""
        return self._cycles.get(job, ())

    def _look_for_cycle(self, job: Key) -> frozenset[Key]:
        if job in self._cycles or job not in self._graph or not self._graph.in_degree(job):
            return frozenset()
        for dependency in self._graph.successors(job):
            try:
                way_back = nx.bidirectional_shortest_path(self._graph, dependency, job)
            except nx.NetworkXNoPath:
                continue
            cycle = (job, *way_back[:-1])
            for member in cycle:
                self._cycles.setdefault(member, cycle)
            return frozenset(cycle)
        return frozenset()
