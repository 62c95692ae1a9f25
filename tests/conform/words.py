"""Names, labels and text, as they mostly are and as they may be."""

import random

from tests.conform.steps import Much, Named

A, B = Named("a"), Named("b")
NAMES = (A, A, A, B)
"""Few, so that requests meet; most for the same object."""
ODD_NAMES = (
    Named("A"),
    Named("a.b"),
    Named("a_b"),
    Named("9a"),
    Named("-a"),
    Named("a..b"),
    Named("é"),
    Named("a", 60),
    Named("a", 63),
    Named("a", 64),
    Named("a", 253),
    Named("a", 254),
)
_PLANES = (
    range(0x20, 0x7F),
    range(0x20, 0x7F),
    range(0x20),
    range(0x7F, 0xA1),
    range(0xA0, 0x3000),
    range(0xD800, 0xE000),
    range(0xFFF0, 0x10000),
    range(0x1F300, 0x1F700),
    range(0x20000, 0x20100),
    range(0x10FF00, 0x110000),
)
LABELS = ("", "x", "a.b_c", "Ab", "-x", "x-", "a b", "é", "a/b", "\x7f", "x" * 63, "x" * 64)
KEYS = ("own", "team.example/own", "Own", "", "-x", "a/b/c", "x" * 63, "x" * 64, "É/own")


class Words:
    """Draws them.

    Args:
        chance: Decides.
    """

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def name(self) -> Named:
        return self._chance.choice(NAMES)

    def new_name(self) -> Named:
        """Draw a name for an object to be, which may be no name at all."""
        odd = self._chance.random() < 0.15
        return self._chance.choice(ODD_NAMES if odd else NAMES)

    def text(self) -> str | Much:
        """Draw some text of any planes, seldom a very long one."""
        if self._chance.random() < 0.04:
            return Much(self._chance.choice("xé"), self._chance.choice((2_000, 40_000, 300_000)))
        count = self._chance.randrange(12)
        return "".join(chr(self._chance.choice(self._chance.choice(_PLANES))) for _ in range(count))

    def label(self) -> str:
        return self._chance.choice(LABELS)

    def key(self) -> str:
        return self._chance.choice(KEYS)
