"""Keeping an instance that may lead no longer from asking for changes."""

import math
from collections.abc import Callable

from alidade_operator.kube.gateway import UnavailableError

TIMEOUT_SECONDS = 30.0
# A change that would have less time than this is not asked for.
LEAST_SECONDS = 1.0


class Fence:
    """Lets changes through as long as they are sure to be done, or given up, while it leads.

    Args:
        left: Returns for how many seconds this instance is sure to lead.
    """

    def __init__(self, left: Callable[[], float] = lambda: math.inf) -> None:
        self._left = left

    def seconds(self) -> float:
        """Return after how many seconds a change that is asked for now has to be given up.

        Raises:
            UnavailableError: It must not be asked for.
        """
        seconds = min(TIMEOUT_SECONDS, self._left())
        if seconds < LEAST_SECONDS:
            raise UnavailableError("this instance does not lead, or not for much longer")
        return seconds
