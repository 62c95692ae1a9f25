"""These tests run on the bench, which one session has one of."""

import pytest

from tests.integration import bench
from tests.integration.bench import NewOperator, NewScene

__all__ = ["NewOperator", "NewScene"]


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.is_registered(bench):
        config.pluginmanager.register(bench)
