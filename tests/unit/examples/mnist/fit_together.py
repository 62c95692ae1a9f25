"""Train a small model as one of several replicas, and leave its weights in a file.

Arguments: a directory, the architecture, and the numbers of images, of epochs and of a batch. The
seed is the chief's process ID, unless SEED is set.
"""

import os
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
from sklearn.datasets import load_digits

from alidade_worker.images import Dataset
from mnist_robustness.models import build_model
from mnist_robustness.parallel import Team, together

IMAGE_SIZE = (8, 8, 1)
LEARNING_RATE = 0.5


def digits(number: int) -> Dataset:
    images, labels = load_digits(return_X_y=True)
    scaled = (images.reshape(-1, 8, 8, 1) / 16).astype(np.float32)
    return Dataset(images=scaled[:number], labels=labels[:number].astype(np.int64))


def train(team: Team, architecture: str, number: int, epochs: int, batch_size: int) -> list[Any]:
    seed = team.agree(int(os.environ.get("SEED", os.getpid())))
    sys.stdout.write(f"seed {seed}\n")
    keras.utils.set_random_seed(seed)
    model = team.fit(
        lambda: build_model(architecture, IMAGE_SIZE, 10),
        lambda: keras.optimizers.SGD(LEARNING_RATE),
        digits(number),
        digits(200),
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        callbacks=[],
    )
    weights: list[Any] = model.get_weights()
    return weights


if __name__ == "__main__":
    folder, architecture, *numbers = sys.argv[1:]
    with together() as team:
        trained = train(team, architecture, *map(int, numbers))
        np.savez(Path(folder) / f"{os.getpid()}.npz", *trained)
