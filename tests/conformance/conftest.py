"""These tests run on the bench of tests/integration, which one session has one of."""

import pytest

from tests.integration import bench


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.is_registered(bench):
        config.pluginmanager.register(bench)
