"""The workflow that `kubectl alidade init` writes: its own test, and its entry points in order."""

import importlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from alidade.begin import begin
from alidade_worker.project import load_entry_point
from tests.support.archives import tree
from tests.support.polling import PATIENCE_SECONDS
from tests.support.sources import REPOSITORY, WORKER

NAME = "first-try"
TEMPLATE = REPOSITORY / "client/alidade/template"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("begin") / "own"
    begin(place, NAME)
    return place


def test_its_own_test_passes(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": WORKER},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_its_entry_points_hand_on_what_the_next_one_needs(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr(mlflow.tracking._tracking_service.utils, "_tracking_uri", None)
    # Here rather than in processes of their own, each of which would import TensorFlow anew.
    monkeypatch.syspath_prepend(folder)
    client = MlflowClient(uri)
    experiment = client.create_experiment(NAME, artifact_location=(tmp_path / "art").as_uri())

    def job(name: str, **given: str) -> tuple[str, dict[str, str]]:
        run_id: str = client.create_run(experiment).info.run_id
        outputs = tmp_path / f"{name}.json"
        monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
        monkeypatch.setenv("ALIDADE_OUTPUTS", str(outputs))
        monkeypatch.chdir(tmp_path)
        python, option, module, *words = shlex.split(load_entry_point(folder, name).command(given))
        assert (python, option) == ("python", "-m")
        importlib.import_module(module).main(words, standalone_mode=False)
        found: dict[str, str] = json.loads(outputs.read_text())
        return run_id, found

    training, trained = job("train", epochs="4")
    attack, attacked = job("attack", **trained, eps="0.3")
    evaluation, evaluated = job("evaluate", **attacked, attack_run=attack)
    assert client.get_model_version(NAME, trained["model_version"]).run_id == training
    measured = client.get_run(evaluation).data
    assert measured.metrics["clean_accuracy"] > 0.8
    assert measured.metrics["robust_accuracy"] < measured.metrics["clean_accuracy"] - 0.3
    assert float(evaluated["robust_accuracy"]) == measured.metrics["robust_accuracy"]
    assert measured.params["attack_run"] == attack
    made = client.get_run(attack).data
    assert made.metrics["l_infinity_norm_median"] == pytest.approx(0.3, abs=1e-6)
    assert made.params["norm"] == "inf"


def test_the_distribution_brings_all_of_it(tmp_path: Path) -> None:
    # What is built there stays out of the checkout.
    sources = shutil.copytree(REPOSITORY / "client", tmp_path / "client")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    command += ["--wheel-dir", str(tmp_path), str(sources)]
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("alidade-*.whl")
    prefix = "alidade/template/"
    with zipfile.ZipFile(wheel) as archive:
        brought = {
            name.removeprefix(prefix): archive.read(name)
            for name in archive.namelist()
            if name.startswith(prefix)
        }
    assert brought == {
        name: content
        for name, content in tree(TEMPLATE).items()
        if content is not None and "cache" not in name
    }
