"""Quantities as numbers."""

from decimal import Decimal

import pytest

from alidade.doctor.quantity import amount


@pytest.mark.parametrize(
    ("quantity", "number"),
    [
        ("500m", "0.5"),
        ("2Gi", 2 * 1024**3),
        ("1k", 1000),
        ("0.5", "0.5"),
        (3, 3),
        ("1e3", 1000),
        ("2E", 2 * 10**18),
        ("100u", "0.0001"),
    ],
)
def test_quantities_amount_to_what_kubernetes_says(quantity: str | int, number: object) -> None:
    assert amount(quantity) == Decimal(str(number))
