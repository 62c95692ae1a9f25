"""Uniform noise."""

import numpy as np

from alidade_worker.images import Pixels


def uniform(images: Pixels, amount: float, rng: np.random.Generator) -> Pixels:
    """Return the images with noise of at most this amount on each pixel, in [0, 1]."""
    noise = rng.uniform(-amount, amount, images.shape)
    return np.clip(images + noise, 0, 1).astype(np.float32)
