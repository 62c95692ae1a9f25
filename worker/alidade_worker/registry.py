"""Models as MLflow's registry keeps them."""

from typing import Any

import mlflow


def load_registered(name: str, version: int | str) -> Any:
    """Return the Keras classifier registered under this name and version, for inference.

    Raises:
        mlflow.exceptions.MlflowException: there is no such version.
    """
    return mlflow.tensorflow.load_model(
        f"models:/{name}/{version}", keras_model_kwargs={"compile": False}
    )
