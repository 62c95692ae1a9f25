"""What a source is fetched with, in tests that do not wait."""

from collections.abc import Callable
from pathlib import Path

import pytest

from alidade_worker.source.means import Means
from alidade_worker.source.patience import Patience
from tests.unit.worker.source.clock import Clock


@pytest.fixture
def means(tmp_path: Path) -> Callable[..., Means]:
    def make(tracking_uri: str = "", seconds: float = 0) -> Means:
        clock = Clock()
        patience = Patience(seconds, clock=lambda: clock.now, sleep=clock.sleep)
        return Means(tracking_uri, patience, timeout=20, git_credentials=tmp_path / "login")

    return make
