"""A job's run on a real tracking server, and behind a door that turns the job away."""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from alidade_worker.store import TAG_PREFIX
from tests.support.door import Answer, Door
from tests.support.process import free_port
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
    assert run.data.params == {"eps": "1e-3", "name": "x", "extra": "1", "host": "node-1"}
    later = {key: value for key, value in run.data.tags.items() if key.startswith(TAG_PREFIX)}
    assert later == {f"{TAG_PREFIX}host": "node-2"}
    assert len(client.get_metric_history(run_id, "done")) == 2
    assert "Parameter host of MLflow run" in capfd.readouterr().err


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
