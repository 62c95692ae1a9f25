"""Statuses of our own objects as the operator writes them, and with something odd about them."""

import random
from typing import Any

from alidade_operator.kube.gateway import EXPERIMENTS, JOBS, QUEUES, Body, Kind
from tests.conform.bodies import TIME
from tests.conform.steps import Much
from tests.conform.words import Words

_STATES = ("Waiting", "Queued", "Started", "Finished", "Failed")


class Statuses:
    """Draws them.

    Args:
        chance: Decides.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._words = Words(chance)

    def status(self, kind: Kind) -> Body:
        """Draw a status, seldom one that does not fit."""
        status: Body = self._plain(kind)
        if self._chance.random() < 0.25:
            status |= self._odd(kind)
        return status

    def change(self, kind: Kind) -> Body:
        """Draw what changes of a status; what goes is None."""
        status = self.status(kind)
        for field in self._chance.sample(sorted(status), min(len(status), 1)):
            if self._chance.random() < 0.3:
                status[field] = None
        return status

    def _plain(self, kind: Kind) -> Body:
        condition = {
            "type": self._chance.choice(("Complete", "Failed", "Suspended")),
            "status": self._chance.choice(("True", "False", "Unknown")),
            "reason": "Because",
            "message": self._words.text(),
            "lastTransitionTime": TIME,
        }
        fields: dict[Kind, dict[str, Any]] = {
            JOBS: {
                "state": self._chance.choice(_STATES),
                "reason": "Because",
                "message": self._words.text(),
                "outputs": {"model": self._words.text()},
                "parameters": [{"name": "p", "value": self._words.text()}],
                "attempts": [{"pod": "a", "exitCode": 1, "message": self._words.text()}],
                "rootCause": {
                    "job": "a",
                    "reason": "Error",
                    "message": "m",
                    "lastLines": self._words.text(),
                },
                "startTime": TIME,
                "mlflowRunId": "run-1",
            },
            EXPERIMENTS: {"mlflowExperimentId": "7", "jobs": {"waiting": 1}},
            QUEUES: {"running": 1, "queued": 2},
        }
        known = fields[kind]
        chosen = self._chance.sample(sorted(known), min(len(known), self._chance.randrange(4)))
        conditions = {"conditions": [condition]} if self._chance.random() < 0.5 else {}
        return {field: known[field] for field in chosen} | conditions

    def _odd(self, kind: Kind) -> Body:
        condition = {"type": "Odd", "status": "True", "reason": "R", "lastTransitionTime": TIME}
        ways: list[Body] = [
            {"noSuchField": 1},
            {"observedGeneration": self._chance.choice((1, -1, 2**63, 1.5, 2.0, "1"))},
            {"conditions": [condition | {"status": "Maybe"}]},
            {"conditions": [condition | {"message": Much("x", 32_769)}]},
            {"conditions": [condition | {"message": Much("é", 32_768)}]},
            {"conditions": [condition | {"reason": Much("x", 1_025)}]},
            {
                "conditions": [
                    condition
                    | {
                        "lastTransitionTime": self._chance.choice(
                            ("", "now", "2026-03-01T12:00:00+01:00", "2026-03-01")
                        )
                    }
                ]
            },
            {"conditions": [condition, condition]},
            {"conditions": [{"type": "Odd"}]},
            {"conditions": {}},
            {"conditions": None},
        ]
        if kind == JOBS:
            ways += [
                {"state": self._chance.choice(("", "Done", 7, None))},
                {"message": 7},
                {"outputs": {"a": 7}},
                {"outputs": {"": "x", "b": None}},
                {"attempts": [{"pod": "a"}, {"pod": "a"}]},
                {"attempts": [{}]},
                {"startTime": "never"},
                {"rootCause": {"job": "a"}},
            ]
        return self._chance.choice(ways)
