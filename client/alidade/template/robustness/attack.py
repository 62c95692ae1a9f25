"""Entry point ``attack``: make an adversarial image of every testing image, and keep them."""

import tempfile
from pathlib import Path

import click
import mlflow

from alidade_worker.distances import measure_distances, summarize_distances
from alidade_worker.images import pack
from alidade_worker.outputs import set_output
from alidade_worker.registry import load_registered
from robustness.adversarial import NORMS, fast_gradient
from robustness.data import load

ARCHIVE = "adversarial.tar.gz"
"""Artifact of this entry point's run that holds the images."""
FOLDER = "testing"
"""Where they are in it."""

_REPORTED = ("l_infinity_norm_median", "l_2_norm_median")


@click.command()
@click.option("--model-name", required=True)
@click.option("--model-version", required=True, type=int)
@click.option("--eps", type=click.FloatRange(min=0, min_open=True), default=0.2)
@click.option("--norm", type=click.Choice(list(NORMS)), default="inf")
def main(*, model_name: str, model_version: int, eps: float, norm: str) -> None:
    """Attack a registered model; the images are an artifact of the run."""
    with mlflow.start_run():
        mlflow.log_params(click.get_current_context().params)
        clean = load("testing")
        adversarial = fast_gradient(load_registered(model_name, model_version), clean, eps, norm)
        distances = summarize_distances(measure_distances(clean.images, adversarial.images))
        mlflow.log_metrics({name: distances[name] for name in _REPORTED})
        with tempfile.TemporaryDirectory() as scratch:
            archive = Path(scratch, ARCHIVE)
            pack(adversarial, archive, FOLDER)
            mlflow.log_artifact(str(archive))
    # So that whoever evaluates the attack need not name the training as well.
    set_output("model_version", model_version)
    click.echo(f"{len(adversarial)} adversarial images of {model_name} {model_version}")


if __name__ == "__main__":
    main()
