"""The example of plugins: its wheel is built from source, and the worker runs it offline."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from tests.support.archives import archive_of, digest, tree
from tests.support.polling import PATIENCE_SECONDS
from tests.support.sources import REPOSITORY, WORKER

SOURCES = ("MLproject", "compare.py", "perturbations/", "wheels/", "requirements.txt")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("built") / "plugins"
    folder = shutil.copytree(REPOSITORY / "examples/plugins", place)
    make(folder)
    return folder


def make(folder: Path) -> None:
    # The build's own requirement is here already, and nothing is downloaded.
    options = [f"PIP={sys.executable} -m pip", "OPTIONS=--no-build-isolation --no-index"]
    subprocess.run(["make", "-C", str(folder), "wheels", *options], check=True, capture_output=True)


def test_the_same_source_makes_the_same_wheel(built: Path) -> None:
    before = tree(built)
    make(built)
    assert tree(built) == before


def test_functions_of_both_kinds_of_plugins_are_called(built: Path, tmp_path: Path) -> None:
    archive, message = tmp_path / "workflow.tgz", tmp_path / "message"
    files = {
        name: content
        for name, content in tree(built).items()
        if content is not None and name.startswith(SOURCES)
    }
    archive.write_bytes(archive_of(files))
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = MlflowClient(uri)
    experiment = client.create_experiment("x", artifact_location=(tmp_path / "art").as_uri())
    run_id: str = client.create_run(experiment).info.run_id
    subprocess.run(
        [sys.executable, "-m", "alidade_worker"],
        check=True,
        timeout=PATIENCE_SECONDS,
        env={
            **os.environ,
            "PYTHONPATH": WORKER,
            "ALIDADE_JOB": "compare",
            "ALIDADE_ENTRY_POINT": "compare",
            "ALIDADE_PARAMETERS": '{"amount": "0.2"}',
            "ALIDADE_WORKFLOW": "",
            "ALIDADE_WORKFLOW_URI": archive.as_uri(),
            "ALIDADE_WORKFLOW_SHA256": digest(archive.read_bytes()),
            "ALIDADE_TERMINATION_LOG": str(message),
            "MLFLOW_TRACKING_URI": uri,
            "MLFLOW_RUN_ID": run_id,
            "MLFLOW_EXPERIMENT_ID": experiment,
        },
    )
    distances = {name: float(value) for name, value in json.loads(message.read_text()).items()}
    assert set(distances) == {"uniform", "salt_and_pepper"}
    assert 0 < distances["uniform"] < distances["salt_and_pepper"]
    measured = client.get_run(run_id).data.metrics
    assert measured == {f"{name}_l_2_norm": value for name, value in distances.items()}
