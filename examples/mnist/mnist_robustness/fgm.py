"""Entry point ``fgm``: attack a registered model with the Fast Gradient Method."""

import tempfile
from pathlib import Path

import click
import mlflow

from alidade_worker import images
from alidade_worker.distances import measure_distances, summarize_distances
from alidade_worker.images import Dataset
from alidade_worker.registry import load_registered
from mnist_robustness import options
from mnist_robustness.attack import NORMS, FastGradient, perturb
from mnist_robustness.data import ImageSize, load_split
from mnist_robustness.preview import contact_sheet
from mnist_robustness.tracking import MODEL_NAME_TAG, MODEL_VERSION_TAG, tracked_run


@click.command()
@options.data_dir
@options.image_size
@options.model_name
@options.model_version
@options.adv_tar_name
@options.adv_data_dir
@click.option("--batch-size", type=click.IntRange(min=1), default=32)
@click.option("--eps", type=click.FloatRange(min=0, min_open=True), default=0.3)
@click.option("--eps-step", type=click.FloatRange(min=0, min_open=True), default=0.1)
@click.option("--minimal", type=click.IntRange(0, 1), default=0)
@click.option("--norm", type=click.Choice(list(NORMS)), default="inf")
@options.seed
def main(
    *,
    data_dir: Path,
    image_size: ImageSize,
    model_name: str,
    model_version: int,
    adv_tar_name: str,
    adv_data_dir: str,
    batch_size: int,
    eps: float,
    eps_step: float,
    minimal: int,
    norm: str,
    seed: int,
) -> None:
    """Make an adversarial image of every testing image, and measure how far they are apart."""
    with tracked_run("fgm", click.get_current_context().params):
        mlflow.set_tags({MODEL_NAME_TAG: model_name, MODEL_VERSION_TAG: model_version})
        options.sow(seed)
        model = load_registered(model_name, model_version)
        testing = load_split(data_dir, "testing", image_size)
        attack = FastGradient(
            eps=eps, eps_step=eps_step, minimal=bool(minimal), norm=norm, batch_size=batch_size
        )
        adversarial = Dataset(images=perturb(model, testing, attack), labels=testing.labels)
        click.echo(f"{len(adversarial)} adversarial images of {model_name} {model_version}")
        log_images(testing, adversarial, adv_tar_name, adv_data_dir)
        log_distances(testing, adversarial)


def log_images(clean: Dataset, adversarial: Dataset, tar_name: str, folder: str) -> None:
    """Log the adversarial images as an archive, and a picture of the first of them."""
    with tempfile.TemporaryDirectory() as scratch:
        tar = Path(scratch, tar_name)
        images.pack(adversarial, tar, folder)
        mlflow.log_artifact(str(tar))
    mlflow.log_image(contact_sheet(clean.images, adversarial.images), "preview.png")


def log_distances(clean: Dataset, adversarial: Dataset) -> None:
    """Log the distances of each image as a table, and their statistics as metrics."""
    distances = measure_distances(clean.images, adversarial.images)
    distances.insert(0, "label", clean.labels)
    mlflow.log_metrics(summarize_distances(distances))
    with tempfile.TemporaryDirectory() as scratch:
        table = Path(scratch, "distance_metrics.csv.gz")
        distances.to_csv(table, index_label="image")
        mlflow.log_artifact(str(table))


if __name__ == "__main__":
    main()
