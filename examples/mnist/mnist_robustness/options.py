"""Command-line options that entry points share, and the values that they stand for."""

from pathlib import Path

import click
import keras
import mlflow
import numpy as np

from alidade_worker.replicas import is_chief
from mnist_robustness.data import ImageSize
from mnist_robustness.tracking import SEED_TAG


class ImageSizeType(click.ParamType[ImageSize]):
    """Height, width and channels with commas between, as in ``28,28,1``."""

    name = "image size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> ImageSize:
        """Return the three numbers, or fail as click's own types do."""
        match str(value).split(","):
            case [height, width, channels] if channels in {"1", "3"} and _counts(height, width):
                return int(height), int(width), int(channels)
        raise click.BadParameter(
            f"{value!r} is not HEIGHT,WIDTH,CHANNELS with 1 or 3 channels", ctx, param
        )


def _counts(*texts: str) -> bool:
    return all(text.isdecimal() and int(text) > 0 for text in texts)


data_dir = click.option(
    "--data-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default="/data/mnist",
)
image_size = click.option("--image-size", type=ImageSizeType(), default="28,28,1")
model_name = click.option("--model-name", default="mnist_le_net")
model_version = click.option("--model-version", type=int, default=1)
adv_tar_name = click.option("--adv-tar-name", default="testing_adversarial_fgm.tar.gz")
adv_data_dir = click.option("--adv-data-dir", default="adv_testing")
seed = click.option("--seed", type=int, default=-1, help="negative: a new one each time")


def sow(seed: int) -> int:
    """Seed Python, NumPy and TensorFlow, and tell the active MLflow run with what.

    Args:
        seed: negative for one drawn afresh.

    Returns:
        The seed in use.
    """
    used = draw(seed)
    keras.utils.set_random_seed(used)
    if is_chief():
        mlflow.set_tag(SEED_TAG, used)
    return used


def draw(seed: int) -> int:
    """Return the seed, or a new one where it is negative."""
    return seed if seed >= 0 else int(np.random.default_rng().integers(2**31))
