"""Entry point ``train``: train a classifier, test it, and register it with MLflow."""

import click
import keras
import mlflow
import tensorflow
from mlflow.models import infer_signature

from alidade_worker.outputs import set_output
from robustness.data import load
from robustness.models import accuracy, build_model


@click.command()
@click.option("--model-name", required=True)
@click.option("--epochs", type=click.IntRange(min=1), default=15)
@click.option("--learning-rate", type=float, default=0.003)
@click.option("--seed", type=int, default=0)
def main(*, model_name: str, epochs: int, learning_rate: float, seed: int) -> None:
    """Train a classifier; its version in the registry is an output for other jobs."""
    keras.utils.set_random_seed(seed)
    training, testing = load("training"), load("testing")
    # Under Alidade it is the job's run, which is there already.
    with mlflow.start_run():
        mlflow.log_params(click.get_current_context().params)
        model = build_model()
        model.compile(
            optimizer=keras.optimizers.Adam(learning_rate),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        model.fit(training.images, training.labels, epochs=epochs, batch_size=32, verbose=2)
        clean = accuracy(model, testing)
        mlflow.log_metric("clean_accuracy", clean)
        example = testing.images[:1]
        logged = mlflow.tensorflow.log_model(
            model,
            name="model",
            registered_model_name=model_name,
            signature=infer_signature(example, model.predict(example, verbose=0)),
            # Left to itself, MLflow finds these out by loading the model in another process.
            pip_requirements=[
                f"tensorflow=={tensorflow.__version__}",
                f"keras=={keras.__version__}",
            ],
        )
    set_output("model_version", logged.registered_model_version)
    click.echo(f"{model_name} {logged.registered_model_version}: accuracy {clean:.4f}")


if __name__ == "__main__":
    main()
