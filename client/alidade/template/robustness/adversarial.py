"""The attack, as the Adversarial Robustness Toolbox (ART) implements it.

Another one of ``art.attacks.evasion`` takes its place, or stands beside it.
"""

from typing import Any

import numpy as np
from art.attacks.evasion import FastGradientMethod
from art.estimators.classification import TensorFlowV2Classifier
from keras import losses
from keras.utils import to_categorical

from alidade_worker.images import Dataset
from robustness.data import CLASSES

NORMS: dict[str, float] = {"inf": np.inf, "1": 1, "2": 2}

_BATCH_SIZE = 256


def fast_gradient(model: Any, dataset: Dataset, eps: float, norm: str) -> Dataset:
    """Return an adversarial image for each image, by the Fast Gradient Method.

    Goodfellow et al. 2015, "Explaining and harnessing adversarial examples",
    https://arxiv.org/abs/1412.6572. The gradient is taken at the true labels.

    Args:
        model: The classifier that is attacked.
        dataset: The images.
        eps: Size of the perturbation in the norm, pixels in [0, 1].
        norm: One of :data:`NORMS`.
    """
    classifier = TensorFlowV2Classifier(
        model=model,
        nb_classes=CLASSES,
        input_shape=dataset.images.shape[1:],
        loss_object=losses.CategoricalCrossentropy(reduction="sum"),
        clip_values=(0.0, 1.0),
    )
    attack = FastGradientMethod(classifier, norm=NORMS[norm], eps=eps, batch_size=_BATCH_SIZE)
    images = attack.generate(dataset.images, y=to_categorical(dataset.labels, CLASSES))
    return Dataset(images=images.astype(np.float32), labels=dataset.labels)
