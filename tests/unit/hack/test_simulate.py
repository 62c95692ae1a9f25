import pytest
from hypothesis import strategies as st

from tests import simulate
from tests.support.simulation.scenario import Scenario

BARE = st.builds(Scenario, st.just(()), st.just(()), st.just({}), seed=st.integers(0, 99))


def fails_sometimes(scenario: Scenario) -> None:
    assert scenario.seed < 50


def goes_well(scenario: Scenario) -> None:
    """Whatever it is."""


def test_what_fails_is_told_with_the_way_to_see_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(simulate, "KINDS", {"odd": (BARE, fails_sometimes)})
    monkeypatch.setattr("sys.argv", ["simulate", "--scenarios", "90", "--seed", "7"])
    assert simulate.main() == 1
    told = capsys.readouterr()
    assert "make simulate SCENARIOS=90 SEED=7" in told.out
    assert "seed=50" in told.err


def test_what_goes_well_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(simulate, "KINDS", {"even": (BARE, goes_well)})
    monkeypatch.setattr("sys.argv", ["simulate", "--scenarios", "20"])
    assert simulate.main() == 0
    assert "even: 20 scenarios" in capsys.readouterr().out
