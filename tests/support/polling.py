"""Waiting for what comes about by itself."""

import time
from collections.abc import Callable
from typing import TypeVar

FIRST_SECONDS, LONGEST_SECONDS = 0.05, 1.0
# Of the time waited so far: looking costs processor time, which what is waited for needs.
SHARE = 0.1
# A machine may have more to do than these tests; what comes in time is not waited for longer.
PATIENCE_SECONDS = 500.0

T = TypeVar("T")


def eventually(check: Callable[[], T], within: float = PATIENCE_SECONDS) -> T:
    """Return what the check returns, once that is true and it raises no AssertionError.

    Raises:
        AssertionError: It never came to that; the message is that of the last try.
    """
    begun = time.monotonic()
    while True:
        try:
            if found := check():
                return found
            problem = AssertionError(f"still {found!r} after {within:.0f} s")
        except AssertionError as error:
            problem = error
        waited = time.monotonic() - begun
        if waited > within:
            raise problem
        pause(waited)


def pause(waited: float) -> None:
    """Pause before the next look at what has been waited for so long."""
    time.sleep(min(max(FIRST_SECONDS, SHARE * waited), LONGEST_SECONDS))
