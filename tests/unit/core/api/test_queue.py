import re

import pytest

from alidade_core.api.queue import QUANTITY
from tests.support.builders import queue


@pytest.mark.parametrize("text", ["1", "0.5", "500m", "2Gi", "1e3", "1E-3", "+1", ".5", "64Ki"])
def test_quantities_are_those_of_kubernetes(text: str) -> None:
    assert re.match(QUANTITY, text)


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1gb", "1,5", "--1", "1e", "1Gi2"])
def test_what_is_no_quantity_is_told_apart(text: str) -> None:
    assert not re.match(QUANTITY, text)


def test_resources_are_passed_on_as_they_were_written() -> None:
    resources = {"requests": {"cpu": 1, "memory": "2Gi"}, "limits": {"nvidia.com/gpu": "1"}}
    assert queue(resources=resources).spec.resources.dump() == resources
