"""Entry point ``evaluate``: show a model the images of an attack, on this model or another."""

import tempfile
from pathlib import Path

import click
import mlflow

from alidade_worker.images import unpack
from alidade_worker.outputs import set_output
from alidade_worker.registry import load_registered
from robustness.attack import ARCHIVE, FOLDER
from robustness.data import load
from robustness.models import accuracy


@click.command()
@click.option("--model-name", required=True)
@click.option("--model-version", required=True, type=int)
@click.option("--attack-run", required=True, help="MLflow run of the attack")
def main(*, model_name: str, model_version: int, attack_run: str) -> None:
    """Measure the accuracy on clean images, and on adversarial ones."""
    with mlflow.start_run():
        mlflow.log_params(click.get_current_context().params)
        model = load_registered(model_name, model_version)
        with tempfile.TemporaryDirectory() as scratch:
            archive = mlflow.artifacts.download_artifacts(
                run_id=attack_run, artifact_path=ARCHIVE, dst_path=scratch
            )
            adversarial = unpack(Path(archive), FOLDER)
        clean, robust = accuracy(model, load("testing")), accuracy(model, adversarial)
        mlflow.log_metrics({"clean_accuracy": clean, "robust_accuracy": robust})
    set_output("robust_accuracy", robust)
    click.echo(f"accuracy {clean:.4f} on clean images, {robust:.4f} on adversarial ones")


if __name__ == "__main__":
    main()
