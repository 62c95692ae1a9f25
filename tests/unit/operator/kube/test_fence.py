import math

import pytest

from alidade_operator.kube.fence import LEAST_SECONDS, TIMEOUT_SECONDS, Fence
from alidade_operator.kube.gateway import UnavailableError


@pytest.mark.parametrize(
    ("left", "seconds"), [(math.inf, TIMEOUT_SECONDS), (12.0, 12.0), (LEAST_SECONDS, LEAST_SECONDS)]
)
def test_a_change_is_given_up_before_another_may_lead(left: float, seconds: float) -> None:
    assert Fence(lambda: left).seconds() == seconds


@pytest.mark.parametrize("left", [0.9, 0.0, -math.inf])
def test_a_change_that_has_hardly_any_time_is_not_asked_for(left: float) -> None:
    with pytest.raises(UnavailableError, match="does not lead"):
        Fence(lambda: left).seconds()
