"""The images: handwritten digits, 8 x 8, that scikit-learn brings along.

Images of your own come in here, as of a dataset of the job, which is at ``/data/NAME``.
"""

from typing import Literal

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from alidade_worker.images import Dataset

IMAGE_SHAPE = (8, 8, 1)
CLASSES = 10

_BRIGHTEST = 16
_TESTING_SHARE = 0.3


def load(split: Literal["training", "testing"]) -> Dataset:
    """Return the images to train on, or those to test on, pixels in [0, 1]."""
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels.reshape(-1, *IMAGE_SHAPE) / _BRIGHTEST).astype(np.float32)
    # The same images for every job: an attack is measured on what the model has not seen.
    parts = train_test_split(
        images, labels.astype(np.int64), test_size=_TESTING_SHARE, stratify=labels, random_state=0
    )
    at = 0 if split == "training" else 1
    return Dataset(images=parts[at], labels=parts[2 + at])
