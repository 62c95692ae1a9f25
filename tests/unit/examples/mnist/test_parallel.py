"""Training by two replicas: real processes under MultiWorkerMirroredStrategy, on real digits."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from mlflow import MlflowClient
from numpy.typing import NDArray

from alidade_worker.replicas import PEER_LOST
from mnist_robustness.models import build_model
from tests.support.sources import EXAMPLE, REPOSITORY
from tests.unit.examples.mnist.fit_together import IMAGE_SIZE, LEARNING_RATE, digits
from tests.unit.examples.mnist.replicas import (
    exit_codes,
    kill_what_runs_in,
    start,
    wait_for,
)

SCRIPT = "tests/unit/examples/mnist/fit_together.py"
Weights = list[NDArray[Any]]


def trained_together(folder: Path, *arguments: object, **environment: str) -> list[Weights]:
    """Train by two replicas; return the weights of each."""
    folder.mkdir(exist_ok=True)
    script = str(REPOSITORY / SCRIPT)
    command = [script, str(folder), *map(str, arguments)]
    with start(command, folder, environment) as replicas:
        codes = exit_codes(replicas)
    assert codes == [0, 0], (folder / "0.log").read_text() + (folder / "1.log").read_text()
    found = []
    for file in folder.glob("*.npz"):
        with np.load(file) as arrays:
            found.append([arrays[f"arr_{number}"] for number in range(len(arrays))])
    assert len(found) == 2
    return found


@pytest.mark.parametrize("architecture", ["le_net", "alex_net"])
def test_replicas_agree_on_a_seed_and_end_with_the_same_model(
    tmp_path: Path, architecture: str
) -> None:
    """Dropout and batch normalization have states beside the weights."""
    one, other = trained_together(tmp_path, architecture, 64, 2, 16)
    for mine, yours in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, yours)
    seeds = {re.findall(r"^seed .*$", log.read_text(), re.M)[0] for log in tmp_path.glob("*.log")}
    assert len(seeds) == 1


def test_a_step_of_two_replicas_is_one_step_over_the_images_of_both(tmp_path: Path) -> None:
    """Of 64 images each takes 32 to a step, so the gradient is that over all of them."""
    before, _ = trained_together(tmp_path / "before", "shallow_net", 64, 0, 32, SEED="7")
    after, _ = trained_together(tmp_path / "after", "shallow_net", 64, 3, 32, SEED="7")
    alone = build_model("shallow_net", IMAGE_SIZE, 10)
    alone.set_weights(before)
    alone.compile(keras.optimizers.SGD(LEARNING_RATE), "sparse_categorical_crossentropy")
    images = digits(64)
    alone.fit(images.images, images.labels, batch_size=64, epochs=3, verbose=0)
    for together, single in zip(after, alone.get_weights(), strict=True):
        np.testing.assert_allclose(together, single, atol=1e-5)
    assert any(np.abs(a - b).max() > 0.01 for a, b in zip(after, before, strict=True))


@dataclass(frozen=True)
class Job:
    """A job of two replicas, and what becomes of it."""

    client: MlflowClient
    experiment: str
    run_id: str
    folder: Path
    replicas: "list[subprocess.Popen[bytes]]"

    def message(self, index: int) -> str:
        return (self.folder / f"{index}.message").read_text()

    def log(self, index: int) -> Path:
        return self.folder / f"{index}.log"


@contextmanager
def train(digits_folder: Path, folder: Path, **parameters: str) -> Iterator[Job]:
    """Start two workers with the job's environment, which is the same for both."""
    uri = f"sqlite:///{folder}/mlflow.db"
    client = MlflowClient(uri)
    experiment = client.create_experiment("mnist", artifact_location=(folder / "art").as_uri())
    run_id = client.create_run(experiment).info.run_id
    data = {"data_dir": str(digits_folder), "image_size": "8,8,1"}
    environment: dict[str, str | Mapping[int, str]] = {
        "ALIDADE_ENTRY_POINT": "train",
        "ALIDADE_PARAMETERS": json.dumps(data | {"model_architecture": "shallow_net"} | parameters),
        "ALIDADE_WORKFLOW": str(EXAMPLE),
        "ALIDADE_TERMINATION_LOG": {i: str(folder / f"{i}.message") for i in range(2)},
        "MLFLOW_TRACKING_URI": uri,
        "MLFLOW_RUN_ID": run_id,
        "MLFLOW_EXPERIMENT_ID": experiment,
    }
    with start(["-m", "alidade_worker"], folder, environment) as replicas:
        yield Job(client, experiment, run_id, folder, replicas)


@pytest.fixture(scope="module")
def job(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job that has ended well."""
    folder = tmp_path_factory.mktemp("job")
    quick = {"epochs": "15", "batch_size": "16", "learning_rate": "0.01"}
    with train(digits, folder, register_model_name="digits", **quick) as job:
        codes = exit_codes(job.replicas)
    assert codes == [0, 0], job.log(0).read_text() + job.log(1).read_text()
    return job


def test_a_job_of_two_replicas_has_one_run(job: Job) -> None:
    (run,) = job.client.search_runs([job.experiment])
    assert run.info.run_id == job.run_id
    assert run.info.status == "FINISHED"
    assert run.data.params["batch_size"] == "16"
    assert run.data.metrics["accuracy"] > 0.8
    losses = job.client.get_metric_history(job.run_id, "validation_loss")
    assert [loss.step for loss in losses] == list(range(1, len(losses) + 1))
    assert losses[-1].value < losses[0].value


def test_the_chief_alone_registers_the_model_and_gives_the_outputs(job: Job) -> None:
    assert json.loads(job.message(0)) == {"model_version": "1"}
    assert json.loads(job.message(1)) == {}
    assert len(job.client.search_model_versions("name = 'digits'")) == 1


def test_all_replicas_see_the_same_epochs(job: Job) -> None:
    one, other = (re.findall(r"^epoch .*$", job.log(i).read_text(), re.M) for i in range(2))
    assert one == other
    assert len(one) > 5


@pytest.mark.parametrize("killed", [0, 1])
def test_a_replica_whose_peer_was_killed_ends_and_says_so(
    digits: Path, tmp_path: Path, killed: int
) -> None:
    with train(digits, tmp_path, epochs="100000", learning_rate="0.0001") as job:
        for index in range(2):
            wait_for("epoch 3/", job.log(index))
        kill_what_runs_in(job.replicas[killed])
        codes = exit_codes(job.replicas, seconds=60)
    assert codes[killed] == 128 + signal.SIGKILL
    assert codes[1 - killed] == PEER_LOST, job.log(1 - killed).read_text()
    assert "another replica is gone" in job.log(1 - killed).read_text()
