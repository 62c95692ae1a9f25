import numpy as np
import pytest

from alidade_worker.distances import (
    MEASURES,
    STATISTICS,
    measure_distances,
    summarize_distances,
)


def test_distances_of_a_perturbation_worked_by_hand() -> None:
    clean = np.array([[[[0.0], [0.5]], [[1.0], [0.0]]]], dtype=np.float32)
    adversarial = np.array([[[[0.25], [0.5]], [[0.5], [0.0]]]], dtype=np.float32)
    row = measure_distances(clean, adversarial).iloc[0]
    assert row["l_infinity_norm"] == pytest.approx(0.5)
    assert row["l_1_norm"] == row["manhattan_distance"] == pytest.approx(0.75)
    assert row["l_2_norm"] == row["euclidean_distance"] == pytest.approx(0.3125**0.5)
    # (0.5 * 0.5 + 1 * 0.5) / (|clean| * |adversarial|)
    assert row["cosine_similarity"] == pytest.approx(0.75 / (1.25**0.5 * 0.5625**0.5))
    # sorted: 0 0 .5 1 against 0 .25 .5 .5
    assert row["wasserstein_distance"] == pytest.approx(0.75 / 4)


def test_there_are_42_statistics_and_they_are_of_the_sample() -> None:
    clean = np.zeros((4, 1, 1, 1), dtype=np.float32)
    adversarial = np.array([0.1, 0.2, 0.3, 0.8], dtype=np.float32).reshape(4, 1, 1, 1)
    with np.errstate(invalid="ignore"):
        summary = summarize_distances(measure_distances(clean, adversarial))
    assert set(summary) == {f"{m}_{s}" for m in MEASURES for s in STATISTICS}
    assert len(summary) == 42
    values = {s: summary[f"l_1_norm_{s}"] for s in STATISTICS}
    assert values == pytest.approx(
        {
            "mean": 0.35,
            "median": 0.25,
            "stdev": np.std([0.1, 0.2, 0.3, 0.8], ddof=1),
            "iqr": 0.425 - 0.175,
            "min": 0.1,
            "max": 0.8,
        }
    )
