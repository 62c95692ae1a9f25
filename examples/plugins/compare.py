"""Entry point ``compare``: how far two kinds of noise move images.

One comes from a package beside the MLproject, the other from a wheel: both are plugins, which other
workflows can use as they are.
"""

import click
import mlflow
import numpy as np
from sklearn.datasets import load_digits

from alidade_worker.distances import measure_distances
from alidade_worker.outputs import set_output
from perturbations.uniform import uniform
from salt_and_pepper import salt_and_pepper

_BRIGHTEST = 16


@click.command()
@click.option("--amount", type=click.FloatRange(0, 1), default=0.1)
@click.option("--seed", type=int, default=0)
def main(*, amount: float, seed: int) -> None:
    """Measure the distances between clean and perturbed images."""
    pixels, _ = load_digits(return_X_y=True)
    clean = (pixels.reshape(-1, 8, 8, 1) / _BRIGHTEST).astype(np.float32)
    with mlflow.start_run():
        for perturb in (uniform, salt_and_pepper):
            perturbed = perturb(clean, amount, np.random.default_rng(seed))
            distance = float(measure_distances(clean, perturbed)["l_2_norm"].mean())
            mlflow.log_metric(f"{perturb.__name__}_l_2_norm", distance)
            set_output(perturb.__name__, distance)


if __name__ == "__main__":
    main()
