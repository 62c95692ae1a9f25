"""What namespaces share, so that none of them can have all of it."""

from collections import Counter


class Shares:
    """A stock of which everybody may have as much as is left for all others.

    So whoever takes all that there is to get has half of it, the next a quarter, and so on: what
    one holds for long keeps nobody else waiting (the dynamic thresholds of Choudhury and Hahne,
    "Dynamic Queue Length Thresholds for Shared-Memory Packet Switches", 1998).

    Args:
        size: How much there is.
    """

    def __init__(self, size: int) -> None:
        self._left = size
        self._taken: Counter[str] = Counter()

    def may_take(self, who: str) -> bool:
        """Say whether somebody may take more."""
        return self._taken[who] < self._left

    def taken(self, who: str) -> int:
        """Return how much somebody has."""
        return self._taken[who]

    def take(self, who: str, amount: int = 1) -> None:
        """Take something."""
        self._taken[who] += amount
        self._left -= amount

    def give_back(self, who: str, amount: int = 1) -> None:
        """Give something back."""
        self.take(who, -amount)
        if not self._taken[who]:
            del self._taken[who]
