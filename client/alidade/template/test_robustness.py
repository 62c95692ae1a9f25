"""The parts of the workflow, on a model that is trained in a second."""

from typing import Any

import numpy as np
import pytest

from robustness.adversarial import fast_gradient
from robustness.data import CLASSES, IMAGE_SHAPE, load
from robustness.models import accuracy, build_model

EPS = 0.2


@pytest.fixture(scope="module")
def model() -> Any:
    training = load("training")
    built = build_model()
    built.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    built.fit(training.images, training.labels, epochs=5, verbose=0)
    return built


def test_no_image_is_both_trained_and_tested_on() -> None:
    training, testing = load("training"), load("testing")
    assert training.images.shape[1:] == testing.images.shape[1:] == IMAGE_SHAPE
    assert set(testing.labels) == set(range(CLASSES))
    seen = {image.tobytes() for image in training.images}
    assert not any(image.tobytes() in seen for image in testing.images)


def test_an_attack_stays_within_its_bounds_and_is_one(model: Any) -> None:
    clean = load("testing")
    adversarial = fast_gradient(model, clean, EPS, "inf")
    assert np.abs(adversarial.images - clean.images).max() <= EPS + 1e-6
    assert adversarial.images.min() >= 0
    assert adversarial.images.max() <= 1
    assert accuracy(model, adversarial) < accuracy(model, clean) - 0.2
