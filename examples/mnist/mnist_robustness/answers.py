"""What a classifier answers to each image, kept with its run."""

import tempfile
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from alidade_worker.images import Dataset

ANSWERS = "answers.csv.gz"
"""Artifact with a line for each image, in their order: what it is, and what was answered."""

_BATCH_SIZE = 500


def log_answers(model: Any, dataset: Dataset) -> None:
    """Log the class that the model finds most likely for each image, and how likely it finds it."""
    likelihoods = model.predict(dataset.images, batch_size=_BATCH_SIZE, verbose=0)
    answers = pd.DataFrame(
        {
            "label": dataset.labels,
            "answer": np.argmax(likelihoods, axis=1),
            "likelihood": np.max(likelihoods, axis=1),
        }
    )
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch, ANSWERS)
        answers.to_csv(table, index_label="image", float_format="%.4f")
        mlflow.log_artifact(str(table))
