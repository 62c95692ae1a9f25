"""The graph of jobs as a tree for a terminal: each below what it comes after."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from alidade_core.api.job import Dependency, DependencyCondition, Job


@dataclass(frozen=True)
class Node:
    """A job in the tree.

    Attributes:
        name: Its name.
        job: The job, None where there is none of that name.
        condition: What has to be true of the one above; None at the top.
        also_after: The others that it comes after.
        shown: Whether it stands somewhere above already, with what is below it.
        below: The jobs that come after it.
    """

    name: str
    job: Job | None
    condition: DependencyCondition | None = None
    also_after: tuple[str, ...] = ()
    shown: bool = False
    below: list["Node"] = field(default_factory=list)

    def walk(self) -> Iterator["Node"]:
        """Yield it and all below it."""
        yield self
        for node in self.below:
            yield from node.walk()


def forest(jobs: Iterable[Job]) -> list[Node]:
    """Return the trees of jobs: at their tops what comes after nothing, or goes in a circle."""
    known = {job.metadata.name: job for job in sorted(jobs, key=_age)}
    after: dict[str, list[tuple[Job, Dependency]]] = {}
    for job in known.values():
        for dependency in job.spec.depends_on:
            after.setdefault(dependency.name, []).append((job, dependency))
    missing = [name for name in after if name not in known]
    tops = [*missing, *(name for name, job in known.items() if not job.spec.depends_on)]
    seen: set[str] = set()

    def grow(name: str, above: Dependency | None) -> Node:
        job = known.get(name)
        others = () if job is None or above is None else job.spec.depends_on
        node = Node(
            name,
            job,
            above.condition if above else None,
            tuple(d.name for d in others if above and d.name != above.name),
            shown=name in seen,
        )
        if not node.shown:
            seen.add(name)
            node.below.extend(grow(each.metadata.name, by) for each, by in after.get(name, ()))
        return node

    trees = [grow(name, None) for name in tops]
    # What is left waits for each other.
    trees.extend(grow(name, None) for name in known if name not in seen)
    return trees


def _age(job: Job) -> tuple[float, str]:
    created = job.metadata.creation_timestamp
    return (created.timestamp() if created else 0.0, job.metadata.name)
