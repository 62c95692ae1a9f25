"""A cache, and what it wakes."""

from typing import Any

from alidade_core.api.job_status import JobState
from alidade_operator.index.cache import Cache, WorkKey
from alidade_operator.kube.gateway import Body, Kind


class Scene:
    """A cache, and the keys it woke."""

    def __init__(self) -> None:
        self._woken: list[WorkKey] = []
        self.cache = Cache(self._woken.append)

    def put(self, kind: Kind, *bodies: Body) -> set[str]:
        """Take in bodies; return the names of what was woken, jobs by their bare names."""
        self._woken.clear()
        for body in bodies:
            self.cache.put(kind, body)
        return self.woken()

    def drop(self, kind: Kind, name: str, uid: str | None = None) -> set[str]:
        """Drop the object of this name, or of this UID; return as `put` does."""
        self._woken.clear()
        known = self.cache.uid(kind, ("lab", name))
        self.cache.drop(kind, "lab", name, uid or known or "")
        return self.woken()

    def woken(self) -> set[str]:
        assert all(key.namespace == "lab" for key in self._woken)
        return {key.name if key.kind == "job" else f"{key.kind} {key.name}" for key in self._woken}

    def states(self) -> dict[JobState, int]:
        return {s: n for s, n in self.cache.tally(("lab", "mnist")).states.items() if n}

    def running(self, queue: str = "cpu") -> int:
        return self.cache.ledger(("lab", queue)).running

    def line(self, queue: str = "cpu") -> tuple[str, ...]:
        return self.cache.ledger(("lab", queue)).in_line()

    def line_up(self, *names: str) -> None:
        for name in names:
            self.cache.line_up(self.cache.jobs["lab", name])


def newer(body: Body, version: int = 2, **meta: Any) -> Body:
    return {**body, "metadata": {**body["metadata"], "resourceVersion": str(version), **meta}}
