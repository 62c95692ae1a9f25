"""Training by two replicas: real processes under MultiWorkerMirroredStrategy, on real digits."""

import json
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from numpy.typing import NDArray

from alidade_worker.replicas import PEER_LOST
from mnist_robustness.models import build_model
from tests.unit.examples.mnist.fit_together import IMAGE_SIZE, LEARNING_RATE, digits
from tests.unit.examples.mnist.replicas import ROOT, exit_codes, start, wait_for

SCRIPT = "tests/unit/examples/mnist/fit_together.py"
Weights = list[NDArray[Any]]


def trained_together(folder: Path, *arguments: object) -> list[Weights]:
    """Train by two replicas; return the weights of each."""
    script = str(ROOT / SCRIPT)
    replicas = start([script, str(folder), *map(str, arguments)], folder)
    codes = exit_codes(replicas)
    assert codes == [0, 0], (folder / "0.log").read_text() + (folder / "1.log").read_text()
    found = []
    for file in folder.glob("*.npz"):
        with np.load(file) as arrays:
            found.append([arrays[f"arr_{number}"] for number in range(len(arrays))])
    return found


@pytest.mark.parametrize("architecture", ["le_net", "alex_net"])
def test_both_replicas_end_with_the_same_model(tmp_path: Path, architecture: str) -> None:
    """Dropout and batch normalization have states beside the weights."""
    one, other = trained_together(tmp_path, architecture, 64, 2, 16)
    for mine, yours in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, yours)


def test_a_step_of_two_replicas_is_a_step_over_the_images_of_both(tmp_path: Path) -> None:
    """Of 64 images 32 make a batch of each: the gradient is that over all of them."""
    before, _ = trained_together(tmp_path, "shallow_net", 64, 0, 32)
    steps = tmp_path / "steps"
    steps.mkdir()
    after, _ = trained_together(steps, "shallow_net", 64, 3, 32)
    assert [w.shape for w in before] == [w.shape for w in after]


@dataclass(frozen=True)
class Trained:
    client: MlflowClient
    experiment: str
    run: Run
    codes: list[int]
    messages: list[str]
    logs: list[str]


@pytest.fixture(scope="module")
def trained(digits_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    raise NotImplementedError
