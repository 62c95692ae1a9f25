"""The tutorial's jobs as a worker runs them, on real digits, small enough for a test."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from alidade_worker.distances import MEASURES, STATISTICS
from alidade_worker.images import unpack
from mnist_robustness.answers import ANSWERS
from mnist_robustness.data import load_split
from mnist_robustness.results import find_runs, get_runs, main, transferability
from tests.support.polling import PATIENCE_SECONDS
from tests.support.sources import EXAMPLE, WORKER

EVALUATED = {"loss", "accuracy", "precision", "recall", "auc"}
DISTANCES = {f"{measure}_{statistic}" for measure in MEASURES for statistic in STATISTICS}


@dataclass(frozen=True)
class Tutorial:
    client: MlflowClient
    tracking_uri: str
    runs: dict[str, str]
    outputs: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def tutorial(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Tutorial:
    """Train one model, attack it, and show it the images, each in a run made beforehand."""
    scratch = tmp_path_factory.mktemp("tutorial")
    uri = f"sqlite:///{scratch}/mlflow.db"
    client = MlflowClient(uri)
    experiment = client.create_experiment("mnist", artifact_location=(scratch / "art").as_uri())
    runs: dict[str, str] = {}
    outputs: dict[str, dict[str, str]] = {}

    def job(name: str, entry_point: str, **parameters: str) -> None:
        runs[name] = client.create_run(
            experiment, tags={"alidade.dev/job": name}, run_name=name
        ).info.run_id
        message = scratch / f"{name}.message"
        subprocess.run(
            [sys.executable, "-m", "alidade_worker"],
            check=True,
            timeout=PATIENCE_SECONDS,
            env={
                **os.environ,
                "PYTHONPATH": WORKER,
                "ALIDADE_JOB": name,
                "ALIDADE_ENTRY_POINT": entry_point,
                "ALIDADE_PARAMETERS": json.dumps(parameters),
                "ALIDADE_WORKFLOW": str(EXAMPLE),
                "ALIDADE_TERMINATION_LOG": str(message),
                "MLFLOW_TRACKING_URI": uri,
                "MLFLOW_RUN_ID": runs[name],
                "MLFLOW_EXPERIMENT_ID": experiment,
            },
        )
        outputs[name] = json.loads(message.read_text())

    data = {"data_dir": str(digits), "image_size": "8,8,1", "seed": "7"}
    job(
        "train",
        "train",
        **data,
        model_architecture="shallow_net",
        register_model_name="digits",
        epochs="12",
        learning_rate="0.01",
    )
    model = {"model_name": "digits", "model_version": outputs["train"]["model_version"]}
    job("attack", "fgm", **data, **model)
    job("inference", "infer", run_id=runs["attack"], **model)
    return Tutorial(client=client, tracking_uri=uri, runs=runs, outputs=outputs)


def test_training_registers_a_model_and_hands_its_version_on(tutorial: Tutorial) -> None:
    assert tutorial.outputs["train"] == {"model_version": "1"}
    registered = tutorial.client.get_model_version("digits", "1")
    assert registered.run_id == tutorial.runs["train"]
    run = tutorial.client.get_run(tutorial.runs["train"])
    assert run.info.status == "FINISHED"
    assert {*EVALUATED, "training_time_in_minutes"} <= set(run.data.metrics)
    assert run.data.metrics["accuracy"] > 0.8
    assert run.data.tags["mnist.seed"] == "7"
    assert run.data.params["batch_size"] == "32"


def test_training_reports_each_epoch(tutorial: Tutorial) -> None:
    history = tutorial.client.get_metric_history(tutorial.runs["train"], "validation_loss")
    assert [metric.step for metric in history] == list(range(1, len(history) + 1))
    assert len(history) > 5
    assert history[-1].value < history[0].value


def test_the_attack_lowers_the_accuracy(tutorial: Tutorial) -> None:
    clean = tutorial.client.get_run(tutorial.runs["train"]).data.metrics
    adversarial = tutorial.client.get_run(tutorial.runs["inference"]).data.metrics
    assert set(adversarial) == EVALUATED
    assert adversarial["accuracy"] < clean["accuracy"] - 0.5


@pytest.mark.parametrize("job", ["train", "inference"])
def test_what_a_model_has_answered_is_kept_with_its_run(
    tutorial: Tutorial, job: str, digits: Path, tmp_path: Path
) -> None:
    run = tutorial.client.get_run(tutorial.runs[job])
    file = tutorial.client.download_artifacts(run.info.run_id, ANSWERS, str(tmp_path))
    answers = pd.read_csv(file)
    assert list(answers) == ["image", "label", "answer", "likelihood"]
    np.testing.assert_array_equal(answers["label"], load_split(digits, "testing", (8, 8, 1)).labels)
    right = (answers["answer"] == answers["label"]).mean()
    assert right == pytest.approx(run.data.metrics["accuracy"])
    assert answers["likelihood"].between(0, 1).all()


def test_every_testing_image_is_in_the_archive(
    tutorial: Tutorial, digits: Path, tmp_path: Path
) -> None:
    tar = tutorial.client.download_artifacts(
        tutorial.runs["attack"], "testing_adversarial_fgm.tar.gz", str(tmp_path)
    )
    adversarial = unpack(Path(tar), "adv_testing")
    clean = load_split(digits, "testing", (8, 8, 1))
    assert len(adversarial) == 519
    np.testing.assert_array_equal(adversarial.labels, clean.labels)
    assert adversarial.images.min() >= 0
    assert adversarial.images.max() <= 1
    furthest = np.abs(adversarial.images - clean.images).max(axis=(1, 2, 3))
    np.testing.assert_allclose(furthest, 0.3, atol=1e-6)


def test_all_distances_are_logged(tutorial: Tutorial, tmp_path: Path) -> None:
    run = tutorial.client.get_run(tutorial.runs["attack"])
    assert set(run.data.metrics) == DISTANCES
    assert len(DISTANCES) == 42
    table = pd.read_csv(
        tutorial.client.download_artifacts(
            run.info.run_id, "distance_metrics.csv.gz", str(tmp_path)
        )
    )
    assert list(table) == ["image", "label", *MEASURES]
    assert len(table) == 519
    assert run.data.metrics["l_2_norm_max"] == pytest.approx(table["l_2_norm"].max())
    artifacts = {file.path for file in tutorial.client.list_artifacts(run.info.run_id)}
    assert "preview.png" in artifacts


def test_results_are_read_back_from_mlflow(
    tutorial: Tutorial, capsys: pytest.CaptureFixture[str]
) -> None:
    result = transferability(find_runs(tutorial.client, "mnist"))
    assert result == transferability(get_runs(tutorial.client, tutorial.runs))
    assert result.models == ["digits"]
    assert result.clean["digits"] > result.adversarial["digits", "digits"]
    main(["--tracking-uri", tutorial.tracking_uri], standalone_mode=False)
    assert f"{result.clean['digits']:.1%}" in capsys.readouterr().out


def test_a_second_run_of_a_job_takes_the_place_of_the_first(tutorial: Tutorial) -> None:
    experiment = tutorial.client.get_experiment_by_name("mnist")
    assert experiment is not None
    again = tutorial.client.create_run(
        experiment.experiment_id,
        tags={
            "alidade.dev/job": "train",
            "mnist.entry_point": "train",
            "mnist.model_name": "digits",
        },
    ).info.run_id
    tutorial.client.log_metric(again, "accuracy", 0.5)
    try:
        tutorial.client.set_terminated(again, "FAILED")
        assert transferability(find_runs(tutorial.client, "mnist")).clean["digits"] > 0.5
        tutorial.client.set_terminated(again, "FINISHED")
        assert transferability(find_runs(tutorial.client, "mnist")).clean["digits"] == 0.5
    finally:
        tutorial.client.delete_run(again)


def test_an_experiment_that_is_not_there(tutorial: Tutorial) -> None:
    with pytest.raises(LookupError, match="no experiment gone"):
        find_runs(tutorial.client, "gone")
