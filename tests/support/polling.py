"""Waiting for what comes about by itself."""

import time
from collections.abc import Callable
from typing import TypeVar

INTERVAL_SECONDS = 0.05
# A machine may have more to do than these tests; what comes in time is not waited for longer.
PATIENCE_SECONDS = 500.0

T = TypeVar("T")


def eventually(check: Callable[[], T], within: float = PATIENCE_SECONDS) -> T:
    """Return what the check returns, once that is true and it raises no AssertionError.

    Raises:
        AssertionError: It never came to that; the message is that of the last try.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            if found := check():
                return found
            problem = AssertionError(f"still {found!r} after {within:.0f} s")
        except AssertionError as error:
            problem = error
        if time.monotonic() > deadline:
            raise problem
        time.sleep(INTERVAL_SECONDS)
