"""How far adversarial images are from the images that they were made of."""

import numpy as np
import pandas as pd
from scipy.stats import iqr, wasserstein_distance

from alidade_worker.images import Pixels

MEASURES = (
    "l_infinity_norm",
    "l_1_norm",
    "l_2_norm",
    "cosine_similarity",
    "euclidean_distance",
    "manhattan_distance",
    "wasserstein_distance",
)
STATISTICS = ("mean", "median", "stdev", "iqr", "min", "max")


def measure_distances(clean: Pixels, adversarial: Pixels) -> pd.DataFrame:
    """Return a row an image and a column a measure.

    Norms are of the perturbation, pixels in [0, 1]. Wasserstein's is the earth mover's distance
    between the two images' pixel values, wherever in the image they are.

    Args:
        clean: shape (number, height, width, channels).
        adversarial: the same shape.
    """
    before, after = (images.reshape(len(images), -1) for images in (clean, adversarial))
    difference = (after - before).astype(np.float64)
    manhattan = np.abs(difference).sum(axis=1)
    euclidean = np.linalg.norm(difference, axis=1)
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    columns = {
        "l_infinity_norm": np.abs(difference).max(axis=1),
        "l_1_norm": manhattan,
        "l_2_norm": euclidean,
        "cosine_similarity": (before * after).sum(axis=1) / lengths,
        "euclidean_distance": euclidean,
        "manhattan_distance": manhattan,
        "wasserstein_distance": [
            wasserstein_distance(one, other) for one, other in zip(before, after, strict=True)
        ],
    }
    return pd.DataFrame(columns, columns=list(MEASURES))


def summarize_distances(distances: pd.DataFrame) -> dict[str, float]:
    """Return each statistic of each measure, 42 in all, named as in ``l_2_norm_median``.

    The standard deviation is that of a sample (n - 1).
    """
    return {
        f"{measure}_{statistic}": float(value)
        for measure in MEASURES
        for statistic, value in zip(STATISTICS, _statistics(distances[measure]), strict=True)
    }


def _statistics(values: "pd.Series[float]") -> tuple[float, ...]:
    return (
        values.mean(),
        values.median(),
        values.std(),
        float(iqr(values)),
        values.min(),
        values.max(),
    )
