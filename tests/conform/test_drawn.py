"""Every request that the operator sends is among those that are compared."""

import inspect

import pytest
from hypothesis import Phase, given, settings

from alidade_operator.kube.gateway import Gateway, Kind, Watches
from tests.conform.draw import WATCHES, draw
from tests.support.simulation import operator, simulate
from tests.support.simulation.drawing import scenarios
from tests.support.simulation.gateway import UnreliableGateway
from tests.support.simulation.news import UnreliableNews
from tests.support.simulation.scenario import Scenario

DRAWN = {(step.verb, step.kind) for seed in range(3000) for step in (*draw(seed), *WATCHES)}
VERBS = {
    name
    for protocol in (Gateway, Watches)
    for name, _ in inspect.getmembers(protocol, inspect.isfunction)
    if name[0] != "_"
}

SENT: set[tuple[str, Kind]] = set()


class _Noting:
    """Takes down what is asked for."""

    def __getattribute__(self, name: str) -> object:
        found = super().__getattribute__(name)
        if name not in VERBS:
            return found

        def noted(*given: object, **more: object) -> object:
            if isinstance(given[0], Kind):
                SENT.add((name, given[0]))
            return found(*given, **more)

        return noted


class _NotingGateway(_Noting, UnreliableGateway):
    pass


class _NotingNews(_Noting, UnreliableNews):
    pass


@settings(max_examples=12, derandomize=True, phases=[Phase.generate], deadline=None)
@given(scenarios(meddling=True))
def happen(scenario: Scenario) -> None:
    simulate(scenario)


def test_every_verb_of_the_gateway_is_drawn() -> None:
    assert {verb for verb, _ in DRAWN} >= VERBS


def test_what_the_operator_asks_of_which_kind_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator, "UnreliableGateway", _NotingGateway)
    monkeypatch.setattr(operator, "UnreliableNews", _NotingNews)
    happen()
    assert len(SENT) > 10
    missing = SENT - DRAWN
    assert not missing
