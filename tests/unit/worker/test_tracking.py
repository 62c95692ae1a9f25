"""A job's run on a real tracking server, and behind a door that turns the job away."""

import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from alidade_worker.store import TAG_PREFIX
from tests.support.door import Answer, Door
from tests.support.polling import PATIENCE_SECONDS, eventually
from tests.support.process import free_port
from tests.support.sources import WORKER as SOURCES
from tests.support.tracking import TrackingServer

RunJob = Callable[..., Any]
WORKER = Path(__file__).parents[3] / "worker"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    with TrackingServer(tmp_path_factory.mktemp("mlflow")) as running:
        yield running


@pytest.fixture
def client(server: TrackingServer, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    return server.client


@pytest.fixture
def run_id(client: MlflowClient, request: pytest.FixtureRequest) -> str:
    found = client.get_experiment_by_name("toys")
    experiment = found.experiment_id if found else client.create_experiment("toys")
    created: str = client.create_run(experiment).info.run_id
    return created


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the worker's plugin found by MLflow, as its image's installation does."""
    project = tomllib.loads((WORKER / "pyproject.toml").read_text())["project"]
    metadata = tmp_path / "site" / "alidade_worker-0.1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Name: {project['name']}\nVersion: 0.1.0\n")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.setenv("PYTHONPATH", str(metadata.parent))


@pytest.mark.usefixtures("installed")
def test_code_that_logs_its_own_parameters_works_and_so_does_a_second_attempt(
    run_job: RunJob,
    client: MlflowClient,
    run_id: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for host in ("node-1", "node-2"):
        monkeypatch.setenv("HOST_NAME", host)
        assert run_job("own", run_id=run_id, eps="1e-3", name="x").status == 0
    run = client.get_run(run_id)
    assert run.data.params == {"eps": "0.001", "name": "x", "extra": "1", "host": "node-1"}
    later = {key: value for key, value in run.data.tags.items() if key.startswith(TAG_PREFIX)}
    assert later == {f"{TAG_PREFIX}host": "node-2"}
    assert len(client.get_metric_history(run_id, "done")) == 2
    assert "Parameter host of MLflow run" in capfd.readouterr().err


def test_code_without_the_plugin_logs_its_own_spelling_too(
    run_job: RunJob, client: MlflowClient, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST_NAME", "node-1")
    assert run_job("own", run_id=run_id, eps="1e-3", name="x").status == 0
    assert client.get_run(run_id).data.params["eps"] == "0.001"


def test_what_failing_code_was_given_is_recorded_as_well(
    run_job: RunJob, client: MlflowClient, run_id: str
) -> None:
    assert run_job("exit", run_id=run_id, code="3").status == 3
    assert client.get_run(run_id).data.params == {"code": "3"}


def test_word_of_all_parameters_is_left_at_the_start(
    run_job: RunJob, client: MlflowClient, run_id: str
) -> None:
    run_job("greet", run_id=run_id, whom="caf\u00e9")
    left = client.get_run(run_id).data.tags["alidade.dev/parameters"]
    assert json.loads(left) == {"whom": "caf\u00e9", "times": "1", "weight": "0.5"}
    run_job("touch", run_id=run_id, file="x" * 5000)
    assert client.get_run(run_id).data.tags["alidade.dev/parameters"] == left


def test_a_server_that_goes_away_meanwhile_costs_the_parameters_and_not_the_job(
    run_job: RunJob,
    server: TrackingServer,
    run_id: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = tmp_path / "away"
    with Door(server.uri) as door:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", door.uri)
        door.rule = lambda request: Answer(503, b"later") if away.exists() else None
        assert run_job("touch", run_id=run_id, file=str(away)).status == 0
    run = server.client.get_run(run_id)
    assert (run.info.status, run.data.params) == ("RUNNING", {})


def test_a_worker_that_is_told_to_stop_meanwhile_ends_as_its_entry_point_did(
    server: TrackingServer, run_id: str, tmp_path: Path
) -> None:
    away, message = tmp_path / "away", tmp_path / "message"
    (tmp_path / "MLproject").write_text(
        "entry_points: {main: {parameters: {a: string}, command: 'touch away'}}"
    )
    with Door(server.uri) as door:
        door.rule = lambda request: Answer(503, b"later") if away.exists() else None
        environment = {
            **{name: value for name, value in os.environ.items() if "MLFLOW_HTTP" not in name},
            "PYTHONPATH": SOURCES,
            "ALIDADE_PARAMETERS": '{"a": "1"}',
            "ALIDADE_WORKFLOW": str(tmp_path),
            "ALIDADE_TERMINATION_LOG": str(message),
            "MLFLOW_TRACKING_URI": door.uri,
            "MLFLOW_RUN_ID": run_id,
        }
        worker = subprocess.Popen([sys.executable, "-m", "alidade_worker"], env=environment)
        eventually(lambda: away.exists() and "runs/get" in door.seen[-1].path)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE_SECONDS) == 0
    assert message.read_text() == "{}"


@pytest.mark.parametrize(
    "value", ["", "x" * 70_000, "caf\u00e9 \U0001f600 \ufffe\x7f\x85", "a\n\t"]
)
def test_whatever_a_value_is_the_run_is_resumed(
    run_job: RunJob, client: MlflowClient, run_id: str, value: str, workflow: Path
) -> None:
    assert run_job("whole", run_id=run_id, text=value).status == 0
    assert (workflow / "given").read_bytes() == value.encode()
    assert value.startswith(client.get_run(run_id).data.params.get("text", ""))


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.mark.usefixtures("in_a_hurry")
@pytest.mark.parametrize("status", [401, 403, 404, 413, 429, 500, 502, 503])
def test_who_is_turned_away_is_to_be_tried_again(
    run_job: RunJob, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    with Door() as door:
        door.turn_away(Answer(status, b"<html>not now</html>"))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", door.uri)
        outcome = run_job(whom="you", run_id="0" * 32)
    assert outcome.status == 69
    assert "cannot be resumed" in outcome.message


@pytest.mark.usefixtures("in_a_hurry")
def test_a_server_that_is_away_is_one_to_try_again(
    run_job: RunJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    assert run_job(whom="you", run_id="0" * 32).status == 69


def test_a_run_that_is_gone_or_deleted_is_not_one_to_try_again(
    run_job: RunJob, client: MlflowClient, run_id: str
) -> None:
    client.delete_run(run_id)
    for lost in (run_id, "0" * 32):
        outcome = run_job(whom="you", run_id=lost)
        assert outcome.status == 76
        assert outcome.message.startswith(f"MLflow run {lost} cannot be resumed")
