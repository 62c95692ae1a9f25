"""Quantities of Kubernetes as numbers."""

import re
from decimal import Decimal
from typing import Final

_PARTS: Final = re.compile(r"^([+-]?[0-9.]+)(.*)$")
_BINARY: Final = {f"{letter}i": Decimal(1024) ** n for n, letter in enumerate("KMGTPE", 1)}
_DECIMAL: Final = {
    letter: Decimal(1000) ** power
    for power, letter in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), -3)
}


def amount(quantity: str | int) -> Decimal:
    """Return what a quantity amounts to, as 500m or 2Gi (apimachinery's resource.Quantity)."""
    read = _PARTS.match(str(quantity))
    if read is None:
        return Decimal(0)
    number, unit = Decimal(read[1]), read[2]
    if unit[:1] in ("e", "E") and unit[1:]:
        return number * Decimal(10) ** int(unit[1:])
    return number * {**_BINARY, **_DECIMAL}.get(unit, Decimal(1))
