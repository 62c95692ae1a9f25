"""What cannot be reached is tried again, with growing pauses, for as long as the pod may wait."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from alidade_worker.log import say
from alidade_worker.source.problems import AwayError, TurnedAwayError

T = TypeVar("T")

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0


@dataclass(frozen=True)
class Patience:
    """How long to go on.

    Attributes:
        seconds: No further try begins after that time.
        clock: Seconds since any moment.
        sleep: Waits for seconds.
    """

    seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def persist(self, attempt: Callable[[], T]) -> T:
        """Return what an attempt comes to; a server that asks to be left alone so long is.

        Raises:
            AwayError: All of them found that it is away, or the last would be too late.
        """
        deadline = self.clock() + self.seconds
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return attempt()
            except TurnedAwayError:
                raise
            except AwayError as error:
                wait = max(pause, error.retry_after or 0.0)
                if self.clock() + wait > deadline:
                    raise
                say(f"{error}; tried again in {wait:.0f} s")
                self.sleep(wait)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
