"""A plugin of the second kind: a library with releases of its own, which comes as a wheel."""

import numpy as np
from numpy.typing import NDArray


def salt_and_pepper(
    images: NDArray[np.float32], amount: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the images with this share of their pixels turned, half white and half black.

    Args:
        images: Pixels in [0, 1].
        amount: The share, in [0, 1].
        rng: Which pixels.
    """
    drawn = rng.random(images.shape)
    salted = np.where(drawn < amount / 2, 1.0, images)
    return np.where(drawn > 1 - amount / 2, 0.0, salted).astype(np.float32)
