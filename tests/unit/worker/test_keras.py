"""What people do with Keras and MLflow, in a job and on a real tracking server."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient

from alidade_worker.registry import load_registered
from tests.support.tracking import TrackingServer

RunJob = Callable[..., Any]

PROJECT = """
entry_points:
  train:
    parameters:
      epochs: int
      learning_rate: float
      unused: {type: string, default: "x"}
    command: "python train.py {epochs} {learning_rate}"
"""
TRAIN = """
import sys
import keras
import mlflow
import numpy as np
mlflow.autolog()
epochs, rate = int(sys.argv[1]), float(sys.argv[2])
images, labels = np.zeros((8, 4), "float32"), np.zeros((8, 1), "float32")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.Adam(rate), "mse")
with mlflow.start_run():
    mlflow.log_params({"epochs": epochs, "learning_rate": rate})
    model.fit(images, labels, epochs=epochs, verbose=1)
    mlflow.tensorflow.log_model(
        model, name="model", registered_model_name="toy", pip_requirements=["keras"]
    )
for share in range(0, 101, 50):
    print(f"\\rdone: {share}%", end="", flush=True)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TrackingServer]:
    with TrackingServer(tmp_path / "mlflow") as running:
        yield running


def test_autolog_a_registered_model_and_a_progress_bar(
    run_job: RunJob,
    server: TrackingServer,
    workflow: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (workflow / "MLproject").write_text(PROJECT)
    (workflow / "train.py").write_text(TRAIN)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    client: MlflowClient = server.client
    run_id = client.create_run("0").info.run_id
    assert run_job("train", run_id=run_id, epochs="1", learning_rate="1e-2").status == 0
    assert capfd.readouterr().out.endswith("\rdone: 0%\rdone: 50%\rdone: 100%")
    run = client.get_run(run_id)
    # Autolog's own are beside: steps_per_epoch, opt_name, ...
    assert run.data.params["opt_name"].lower() == "adam"
    declared = {name: run.data.params[name] for name in ("epochs", "learning_rate", "unused")}
    assert declared == {"epochs": "1", "learning_rate": "0.01", "unused": "x"}
    assert "loss" in run.data.metrics
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._tracking_uri", None)
    model = load_registered("toy", 1)
    assert model.predict(np.zeros((2, 4)), verbose=0).shape == (2, 1)
