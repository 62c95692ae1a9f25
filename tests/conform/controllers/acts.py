"""Sequences of what is done to batch/v1 Jobs, drawn by chance: the same for the same seed.

Each step is followed by a rest of the controllers, so that what they do does not depend on how
fast they are.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.conform.steps import Named
from tests.conform.words import A, B

_NAMES = (A, A, A, A, B)
_EXITS: Final = (0, 0, 0, 1, 1, 3, 69, 75, 137, 143)
"""What containers exit with; 3 is what a policy may fail a job for."""
_IGNORED = {
    "action": "Ignore",
    "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
}
_POLICIES: Final[tuple[dict[str, Any] | None, ...]] = (
    None,
    None,
    None,
    {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [3]}}, _IGNORED]},
    {"rules": [{"action": "Count", "onExitCodes": {"operator": "In", "values": [1]}}, _IGNORED]},
    {
        "rules": [
            {
                "action": "Ignore",
                "onExitCodes": {"containerName": "worker", "operator": "NotIn", "values": [1, 3]},
            },
            {
                "action": "FailJob",
                "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
            },
        ]
    },
)
_CHANGES: Final[tuple[dict[str, Any], ...]] = (
    {"labels": {"alidade.dev/job": None}},
    {"labels": {"alidade.dev/job": "another"}},
    {"annotations": {"own": "x"}},
    {"ownerReferences": None},
    {"finalizers": ["team.example/keep"]},
    {"finalizers": None},
)


@dataclass(frozen=True)
class Act:
    """Something that is done.

    Attributes:
        what: The method of the player.
        job: The name of the job that it is done to, or to a pod of it.
        given: Its other arguments.
    """

    what: str
    job: Named
    given: Mapping[str, Any] = field(default_factory=dict)


Sequence = tuple[tuple[Act, ...], ...]


class _Drawing:
    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def steps(self) -> Sequence:
        begin = (Act("own", A), Act("serve", A), self._back(A))
        count = self._chance.randrange(3, 8)
        return (begin, *((self._act(),) for _ in range(count)))

    def _act(self) -> Act:
        name = self._chance.choice(_NAMES)
        ways: list[tuple[float, Callable[[], Act]]] = [
            (14, lambda: self._lead(name)),
            (3, lambda: self._stop_pod(name)),
            (2, lambda: Act("release", name)),
            (2, lambda: Act("suspend", name)),
            (1.5, lambda: self._delete("delete", name)),
            (1, lambda: self._delete("delete_owner", name)),
            (0.5, lambda: Act("delete_service", name)),
            (1, lambda: Act("own", name)),
            (1.5, lambda: self._back(name)),
            (1, lambda: Act("edit", name, {"metadata": self._chance.choice(_CHANGES)})),
            (1, lambda: self._edit_pod(name)),
        ]
        (way,) = self._chance.choices([w for _, w in ways], [weight for weight, _ in ways])
        return way()

    def _back(self, name: Named) -> Act:
        given = {
            "replicas": self._chance.choice((1, 1, 1, 2, 3, 4)),
            "limit": self._chance.choice((0, 0, 1, 2)),
            "policy": self._chance.choice(_POLICIES),
            "suspend": self._chance.random() < 0.25,
            "whose": self._chance.choice(("now",) * 6 + ("before", "other")),
        }
        return Act("back", name, given)

    def _lead(self, name: Named) -> Act:
        given = {
            "which": self._chance.randrange(4),
            "exit_code": self._chance.choice(_EXITS),
            "disrupted": self._chance.random() < 0.2,
            "rejected": self._chance.random() < 0.15,
        }
        return Act("lead", name, given)

    def _stop_pod(self, name: Named) -> Act:
        return Act("stop_pod", name, {"which": self._chance.randrange(4)})

    def _edit_pod(self, name: Named) -> Act:
        # Without a finalizer of its own: that of the job controller would go with it.
        change = self._chance.choice(_CHANGES[:3])
        return Act("edit_pod", name, {"which": self._chance.randrange(4), "metadata": change})

    def _delete(self, what: str, name: Named) -> Act:
        return Act(what, name, {"foreground": self._chance.random() < 0.6})


def draw(seed: int) -> Sequence:
    """Return the sequence of a seed."""
    return _Drawing(seed).steps()
