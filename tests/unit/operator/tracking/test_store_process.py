"""The process that has MLflow's package, and what becomes of it."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from alidade_operator.tracking import store_process as module
from alidade_operator.tracking.store_process import Child
from alidade_operator.tracking.tracking import TrackingError
from tests.support.polling import eventually
from tests.support.sources import OPERATOR

# What the entry point imports is there before anything is asked of MLflow.
IMPORTS = """
import sys
import alidade_operator.__main__
sys.exit("mlflow" in sys.modules)
"""


def test_an_operator_is_without_mlflows_package_until_something_needs_it() -> None:
    subprocess.run(
        [sys.executable, "-c", IMPORTS], env={**os.environ, "PYTHONPATH": OPERATOR}, check=True
    )


def test_a_store_that_no_server_is_before_is_written_to_by_a_process_that_comes_and_goes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Others in this process may have one that has yet to end.
    others = set(multiprocessing.active_children())
    log = tmp_path / "worker.log"
    log.write_text("said")
    child, place = Child(), f"file://{tmp_path}/results"
    assert child.store(place, str(log), "logs/p") is None
    assert (tmp_path / "results/logs/p/worker.log").read_text() == "said"

    told = child.store("moon://crater", str(log), "logs/p")
    assert told is not None
    assert "Could not find a registered artifact repository" in told[0]
    lacking = child.lacking("moon://crater")
    assert "MLflow cannot use it" in (lacking or "")

    (process,) = set(multiprocessing.active_children()) - others
    process.kill()
    process.join()
    assert child.lacking("moon://crater") == lacking, "nobody has to be asked again"
    with pytest.raises(TrackingError, match="the process that stores artifacts has ended") as lost:
        child.store(place, str(log), "logs/q")
    assert lost.value.unreachable

    monkeypatch.setattr(module, "IDLE_SECONDS", 0.0)
    assert child.store(place, str(log), "logs/q") is None
    eventually(lambda: not set(multiprocessing.active_children()) - others)
