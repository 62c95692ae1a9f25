"""Sequences of what is asked of MLflow, drawn by chance: the same for the same seed."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.conform.steps import Much
from tests.conform.words import Words

STRANGER: Final = "stranger"
"""A job, or an Experiment, that MLflow was not asked about."""
_JOBS = ("a", "a", "a", "b", STRANGER)
_EXPERIMENTS = ("mnist", "mnist", "mnist", "cifar")
_ENDS = ("FINISHED", "FAILED", "KILLED")


@dataclass(frozen=True)
class Ask:
    """A request to MLflow.

    Attributes:
        verb: The method of Tracking; or, of others: work, delete_run, delete_experiment.
        given: Its arguments: jobs, Experiments and texts.
    """

    verb: str
    given: Mapping[str, Any] = field(default_factory=dict)


class _Drawing:
    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._words = Words(self._chance)

    def asks(self) -> tuple[Ask, ...]:
        """Draw a sequence; mostly there are an experiment and a run to begin with."""
        first = (
            Ask("register", {"experiment": "mnist", "known": None, "adopted": False}),
            Ask("ensure_run", {"experiment": "mnist", "job": "a", "search": False, "tags": {}}),
        )
        count = self._chance.choice((0, 1, 2, 2, 2))
        return (*first[:count], *(self._ask() for _ in range(self._chance.randrange(1, 5))))

    def _ask(self) -> Ask:
        ways: list[tuple[int, Callable[[], Ask]]] = [
            (3, self._register),
            (4, self._ensure_run),
            (4, self._end_run),
            (2, lambda: Ask("open_runs")),
            (1, lambda: Ask("right_run", {"job": self._job()})),
            (1, self._end_surplus),
            (1, self._log_artifact),
            (3, self._work),
            (1, lambda: Ask("delete_run", {"job": self._job()})),
            (1, lambda: Ask("delete_experiment", {"experiment": self._experiment()})),
        ]
        (transport,) = self._chance.choices([w for _, w in ways], [weight for weight, _ in ways])
        return transport()

    def _job(self) -> str:
        return self._chance.choice(_JOBS)

    def _experiment(self) -> str:
        return self._chance.choice(_EXPERIMENTS)

    def _register(self) -> Ask:
        known = self._chance.choice((None, "mnist", "cifar", STRANGER))
        adopted = self._chance.random() < 0.2
        given = {"experiment": self._experiment(), "known": known, "adopted": adopted}
        return Ask("register", given)

    def _ensure_run(self) -> Ask:
        given = {
            "experiment": self._chance.choice((*_EXPERIMENTS, STRANGER)),
            "job": self._chance.choice(("a", "a", "b")),
            "search": self._chance.random() < 0.7,
            "tags": self._tags(),
        }
        return Ask("ensure_run", given)

    def _end_run(self) -> Ask:
        return Ask(
            "end_run",
            {"job": self._job(), "end": self._chance.choice(_ENDS), "tags": self._tags()},
        )

    def _end_surplus(self) -> Ask:
        return Ask("end_surplus", {"job": self._job(), "whose": self._job(), "right": self._job()})

    def _log_artifact(self) -> Ask:
        return Ask("log_artifact", {"job": self._job(), "whose": self._job()})

    def _work(self) -> Ask:
        status = self._chance.choice(("RUNNING", *_ENDS))
        return Ask("work", {"job": self._job(), "status": status})

    def _tags(self) -> dict[str, str | Much]:
        text: str | Much = self._words.text()
        if self._chance.random() < 0.1:
            text = Much("é", self._chance.choice((4_999, 5_000, 5_001)))
        return {f"alidade.dev/{self._chance.choice(('message', 'reason'))}": text}


def draw(seed: int) -> tuple[Ask, ...]:
    """Return the sequence of a seed."""
    return _Drawing(seed).asks()
