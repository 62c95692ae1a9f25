"""Entry point ``train``: train a classifier, test it, log it as a model and perhaps register it."""

import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import click
import keras
import mlflow
import numpy as np
import tensorflow
from keras.utils import to_categorical
from mlflow.models import infer_signature

from alidade_worker import replicas
from alidade_worker.images import Dataset
from alidade_worker.outputs import set_output
from mnist_robustness import options, parallel
from mnist_robustness.answers import log_answers
from mnist_robustness.data import ImageSize, load_split
from mnist_robustness.evaluation import evaluate
from mnist_robustness.models import ARCHITECTURES, build_model
from mnist_robustness.tracking import MODEL_NAME_TAG, MODEL_VERSION_TAG, tracked_run

_STEPS_PER_EXECUTION = 50


@click.command()
@options.data_dir
@options.image_size
@click.option("--model-architecture", type=click.Choice(ARCHITECTURES), default="le_net")
@click.option("--epochs", type=click.IntRange(min=1), default=30)
@click.option("--batch-size", type=click.IntRange(min=1), default=32)
@click.option("--register-model-name", default="", help="empty: do not register")
@click.option("--learning-rate", type=float, default=0.001)
@click.option(
    "--optimizer", type=click.Choice(["Adam", "Adagrad", "RMSprop", "SGD"]), default="Adam"
)
@click.option("--validation-split", type=click.FloatRange(0, 1, True, True), default=0.2)
@options.seed
def main(
    *,
    data_dir: Path,
    image_size: ImageSize,
    model_architecture: str,
    epochs: int,
    batch_size: int,
    register_model_name: str,
    learning_rate: float,
    optimizer: str,
    validation_split: float,
    seed: int,
) -> None:
    """Train a classifier and test it; of several replicas all train, and the chief tests."""
    parameters = click.get_current_context().params
    together = parallel.together() if replicas.size() > 1 else nullcontext()
    with together as team, tracked_run("train", parameters, parallel=True):
        used = options.sow(team.agree(options.draw(seed)) if team else seed)
        training = load_split(data_dir, "training", image_size)
        classes = int(training.labels.max()) + 1
        parts = hold_out(training, validation_split, np.random.default_rng(used))
        build = partial(build_model, model_architecture, image_size, classes)
        rule = {"class_name": optimizer, "config": {"learning_rate": learning_rate}}
        started = time.monotonic()
        if team:
            model = team.fit(
                build,
                partial(keras.optimizers.get, rule),
                *parts,
                epochs=epochs,
                batch_size=batch_size,
                seed=used,
                callbacks=followers(epochs),
            )
        else:
            model = build()
            model.compile(
                optimizer=keras.optimizers.get(rule),
                loss="categorical_crossentropy",
                metrics=["accuracy"],
                steps_per_execution=_STEPS_PER_EXECUTION,
            )
            fit(model, *parts, epochs, batch_size)
        minutes = (time.monotonic() - started) / 60
        if replicas.is_chief():
            testing = load_split(data_dir, "testing", image_size)
            metrics = evaluate(model, testing)
            mlflow.log_metrics({**metrics, "training_time_in_minutes": minutes})
            log_answers(model, testing)
            click.echo(f"testing accuracy {metrics['accuracy']:.4f} after {minutes:.1f} minutes")
            log_model(model, training, register_model_name)


def hold_out(dataset: Dataset, share: float, rng: np.random.Generator) -> tuple[Dataset, Dataset]:
    """Split a data set at random into one to train on and one, this share of it, to validate on."""
    order = rng.permutation(len(dataset))
    held = max(1, round(share * len(dataset)))
    validation, training = (
        Dataset(images=dataset.images[part], labels=dataset.labels[part])
        for part in (order[:held], order[held:])
    )
    return training, validation


def followers(epochs: int) -> list[Any]:
    """Return what ends training once the validation loss has stopped falling, and what reports.

    Each epoch goes to the log, and to MLflow where this is the one replica that may.
    """

    def report(epoch: int, logs: dict[str, float]) -> None:
        progress = {
            "training_loss": logs["loss"],
            "training_accuracy": logs["accuracy"],
            "validation_loss": logs["val_loss"],
            "validation_accuracy": logs["val_accuracy"],
        }
        if replicas.is_chief():
            mlflow.log_metrics(progress, step=epoch + 1)
        figures = ", ".join(
            f"{name.replace('_', ' ')} {value:.4f}" for name, value in progress.items()
        )
        click.echo(f"epoch {epoch + 1}/{epochs}: {figures}")

    return [
        keras.callbacks.EarlyStopping(
            monitor="val_loss", min_delta=0.01, patience=5, restore_best_weights=True
        ),
        keras.callbacks.LambdaCallback(on_epoch_end=report),
    ]


def fit(model: Any, training: Dataset, validation: Dataset, epochs: int, batch_size: int) -> None:
    """Train until the validation loss stops falling, reporting each epoch."""
    classes = model.output_shape[-1]
    model.fit(
        training.images,
        to_categorical(training.labels, classes),
        validation_data=(validation.images, to_categorical(validation.labels, classes)),
        epochs=epochs,
        batch_size=batch_size,
        verbose=0,
        callbacks=followers(epochs),
    )


def log_model(model: Any, training: Dataset, register_as: str) -> None:
    """Log the model to the active run, and register a new version of it where a name is given."""
    example = training.images[:1]
    info = mlflow.tensorflow.log_model(
        model,
        name="model",
        registered_model_name=register_as or None,
        signature=infer_signature(example, model.predict(example, verbose=0)),
        # Left to itself, MLflow finds these out by loading the model in another process.
        pip_requirements=[f"tensorflow=={tensorflow.__version__}", f"keras=={keras.__version__}"],
    )
    if register_as:
        registered = str(info.registered_model_version)
        mlflow.set_tags({MODEL_NAME_TAG: register_as, MODEL_VERSION_TAG: registered})
        set_output("model_version", registered)
        click.echo(f"registered as version {registered} of {register_as}")


if __name__ == "__main__":
    main()
