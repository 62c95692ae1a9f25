"""The Fast Gradient Method, as the Adversarial Robustness Toolbox (ART) implements it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from art.attacks.evasion import FastGradientMethod
from art.estimators.classification import TensorFlowV2Classifier
from keras import losses

from alidade_worker.images import Dataset, Pixels

NORMS: dict[str, float] = {"inf": np.inf, "1": 1, "2": 2}

_CHUNK = 500


@dataclass(frozen=True)
class FastGradient:
    """One attack's settings.

    Goodfellow et al. 2015, "Explaining and harnessing adversarial examples",
    https://arxiv.org/abs/1412.6572.
    """

    eps: float
    """Size of the perturbation in the norm, pixels in [0, 1]."""
    eps_step: float
    """Step by which a minimal perturbation grows."""
    minimal: bool
    """Stop at the least multiple of ``eps_step`` that changes the prediction."""
    norm: str
    """One of :data:`NORMS`."""
    batch_size: int
    """Images a gradient step takes at once, at least; the result does not depend on it."""


def perturb(model: Any, dataset: Dataset, attack: FastGradient) -> Pixels:
    """Return an adversarial image, pixels in [0, 1], for each image, in the same order.

    The gradient is taken at the label that the model predicts, not the true one, which would leak
    into the image (https://arxiv.org/abs/1611.01236).
    """
    chunk = max(attack.batch_size, _CHUNK)
    method = FastGradientMethod(
        TensorFlowV2Classifier(
            model=model,
            nb_classes=model.output_shape[-1],
            input_shape=dataset.images.shape[1:],
            # A mean would make an image's gradient, and with it a finite norm's rounding, depend
            # on how many images share its batch.
            loss_object=losses.CategoricalCrossentropy(reduction="sum"),
            clip_values=(0.0, 1.0),
        ),
        norm=NORMS[attack.norm],
        eps=attack.eps,
        eps_step=attack.eps_step,
        minimal=attack.minimal,
        batch_size=chunk,
    )
    chunks = (dataset.images[start : start + chunk] for start in range(0, len(dataset), chunk))
    return np.concatenate([method.generate(images) for images in chunks]).astype(np.float32)
