import pytest
from tests.integration import test_faults as f
from tests.integration.test_faults import diamond, mortal  # noqa
f.DEATHS = 8
@pytest.mark.parametrize("n", range(8))
def test_stress(n, mortal, diamond):
    f.test_an_operator_killed_again_and_again_does_everything_once(mortal, diamond)
