"""The classifier."""

from typing import Any

import numpy as np
from keras import Input, Sequential, layers

from alidade_worker.images import Dataset
from robustness.data import CLASSES, IMAGE_SHAPE


def build_model() -> Sequential:
    """Return an untrained classifier, from images to probabilities of classes."""
    return Sequential(
        [
            Input(shape=IMAGE_SHAPE),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def accuracy(model: Any, dataset: Dataset) -> float:
    """Return the share of the images whose label the model predicts."""
    predicted = np.argmax(model.predict(dataset.images, verbose=0), axis=1)
    return float(np.mean(predicted == dataset.labels))
