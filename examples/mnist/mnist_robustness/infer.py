"""Entry point ``infer``: show a registered model the adversarial images of an attack's run."""

import tempfile
from pathlib import Path

import click
import mlflow

from alidade_worker import images
from alidade_worker.registry import load_registered
from mnist_robustness import options
from mnist_robustness.answers import log_answers
from mnist_robustness.evaluation import evaluate
from mnist_robustness.tracking import (
    ATTACK_RUN_TAG,
    MODEL_NAME_TAG,
    MODEL_VERSION_TAG,
    tracked_run,
)


@click.command()
@click.option("--run-id", required=True, help="MLflow run of the attack")
@options.model_name
@options.model_version
@options.adv_tar_name
@options.adv_data_dir
@options.seed
def main(
    *,
    run_id: str,
    model_name: str,
    model_version: int,
    adv_tar_name: str,
    adv_data_dir: str,
    seed: int,
) -> None:
    """Test a model on adversarial images."""
    with tracked_run("infer", click.get_current_context().params):
        mlflow.set_tags(
            {
                MODEL_NAME_TAG: model_name,
                MODEL_VERSION_TAG: model_version,
                ATTACK_RUN_TAG: run_id,
            }
        )
        options.sow(seed)
        model = load_registered(model_name, model_version)
        with tempfile.TemporaryDirectory() as scratch:
            tar = mlflow.artifacts.download_artifacts(
                run_id=run_id, artifact_path=adv_tar_name, dst_path=scratch
            )
            adversarial = images.unpack(Path(tar), adv_data_dir)
        metrics = evaluate(model, adversarial)
        mlflow.log_metrics(metrics)
        log_answers(model, adversarial)
        click.echo(
            f"accuracy {metrics['accuracy']:.4f} of {model_name} {model_version} "
            f"on {len(adversarial)} adversarial images"
        )


if __name__ == "__main__":
    main()
