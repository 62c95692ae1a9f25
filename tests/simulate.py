"""Scenarios at length: fresh ones, each kind as many as are asked for.

The same seed draws the same scenarios, and each happens alike each time.
"""

import argparse
import random
import sys
import time
import traceback
from collections.abc import Callable

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy

from tests.support.simulation.drawing import scenarios
from tests.support.simulation.scenario import Scenario
from tests.unit.operator.test_simulation import check_foretold, check_meddled

Check = Callable[[Scenario], None]
KINDS: dict[str, tuple[SearchStrategy[Scenario], Check]] = {
    "foretold": (scenarios(), check_foretold),
    "meddled": (scenarios(meddling=True), check_meddled),
}


def happen(strategy: SearchStrategy[Scenario], check: Check, number: int, count: int) -> int:
    """Let so many scenarios happen, and return how many did.

    Raises:
        Exception: One failed; the smallest that fails alike is in its notes.
    """
    happened = 0

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(strategy)
    def one(scenario: Scenario) -> None:
        nonlocal happened
        check(scenario)
        happened += 1

    one()
    return happened


def main() -> int:
    """Let scenarios of each kind happen; return the exit code."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--scenarios", type=int, required=True, help="how many of each kind")
    parser.add_argument("--seed", type=int, help="what they are drawn by; by default a new one")
    given_ = parser.parse_args()
    count = given_.scenarios
    number = random.SystemRandom().randrange(10**6) if given_.seed is None else given_.seed
    again = f"make simulate SCENARIOS={count} SEED={number}"
    failed = 0
    for kind, (strategy, check) in KINDS.items():
        began = time.monotonic()
        try:
            happened = happen(strategy, check, number, count)
        except Exception:
            failed += 1
            traceback.print_exc()
            told = f"one failed; to see it again: {again}, or check_{kind}(Scenario(...))"
        else:
            seconds = time.monotonic() - began
            told = f"{happened} scenarios in {seconds:.0f} s, none failed ({again})"
        sys.stdout.write(f"{kind}: {told}\n")
        sys.stdout.flush()
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
