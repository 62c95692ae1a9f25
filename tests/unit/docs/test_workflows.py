"""What the pages say about code of workflows, with the libraries that it finds in a pod."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.docs.pages import Block, World, run_in
from tests.support.sources import REPOSITORY, WORKER


@pytest.mark.parametrize("block", run_in(World.WORKER, "python"), ids=lambda block: block.place)
def test_it_runs_with_the_workers_libraries(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "shown.py"
    file.write_text(block.source)
    environment = {
        **os.environ,
        "PYTHONPATH": WORKER,
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
    }
    command = [str(REPOSITORY / "hack/venv"), "worker-dev"]
    venv = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    done = subprocess.run(
        [f"{venv}/bin/python", str(file)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
