"""A small workflow, a tracking store of its own, and a way to run jobs against them."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from alidade_worker.runner import Places, run
from alidade_worker.supervision import Supervisor
from tests.support.sources import WORKER

MLPROJECT = """
name: toy
entry_points:
  greet:
    parameters:
      whom: string
      times: {type: int, default: 1}
      weight: {type: float, default: 0.5}
    command: "python greet.py {whom} {times} {weight}"
  fail: {command: "python -c 'raise ValueError(\\"no luck\\")'"}
  exit: {parameters: {code: int}, command: "exit {code}"}
  die: {command: "kill -KILL $$"}
  complain: {command: "echo 'out of paper' >&2; exit 3"}
  boast: {command: "python boast.py"}
  read: {parameters: {file: path}, command: "cat {file}"}
  touch: {parameters: {file: string}, command: "touch {file}"}
  stray: {command: "echo {undeclared}"}
  ids: {command: "env | grep -c -E '^MLFLOW_(RUN|EXPERIMENT)_ID=' > ids; true"}
  log: {command: "python log.py"}
  own: {parameters: {eps: float, name: string}, command: "python own.py {eps} {name}"}
  whole: {parameters: {text: string}, command: "python whole.py {text}"}
  odd: {command: "python odd.py"}
"""

GREET = """
import sys
from pathlib import Path
from alidade_worker.outputs import set_output
Path("greeted").write_text(repr(sys.argv[1:]))
set_output("greeting", f"hello {sys.argv[1]}")
"""

BOAST = """
import os
from pathlib import Path
Path(os.environ["ALIDADE_OUTPUTS"]).write_text('{"a": "' + 5000 * "x" + '"}')
"""

LOG = """
import mlflow
with mlflow.start_run() as run:
    mlflow.log_metric("attempts", 1)
"""


OWN = """
import os
import sys
import mlflow
with mlflow.start_run():
    mlflow.log_params({"eps": float(sys.argv[1]), "name": sys.argv[2], "extra": 1})
    mlflow.log_param("host", os.environ["HOST_NAME"])
    mlflow.log_metric("done", 1)
"""

WHOLE = """
import sys
from pathlib import Path
Path("given").write_bytes(sys.argv[1].encode())
"""

ODD = """
import os
from pathlib import Path
Path(os.environ["ALIDADE_OUTPUTS"]).write_bytes(Path("left").read_bytes())
"""


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    directory = tmp_path / "workflow"
    directory.mkdir()
    (directory / "MLproject").write_text(MLPROJECT)
    (directory / "greet.py").write_text(GREET)
    (directory / "boast.py").write_text(BOAST)
    (directory / "log.py").write_text(LOG)
    (directory / "own.py").write_text(OWN)
    (directory / "whole.py").write_text(WHOLE)
    (directory / "odd.py").write_text(ODD)
    return directory


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowClient:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr(mlflow.tracking._tracking_service.utils, "_tracking_uri", None)
    return MlflowClient(uri)


@pytest.fixture
def run_id(client: MlflowClient, tmp_path: Path) -> str:
    experiment = client.create_experiment("toys", artifact_location=(tmp_path / "art").as_uri())
    run_id: str = client.create_run(experiment).info.run_id
    client.update_run(run_id, status="SCHEDULED")
    return run_id


@dataclass(frozen=True)
class Outcome:
    status: int
    message: str


RunJob = Callable[..., Outcome]


@pytest.fixture
def run_job(workflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunJob]:
    """Run a job in this process and return its exit status and termination message."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.chdir(tmp_path)
    message = tmp_path / "termination-log"
    places = Places(tmp_path / "cgroups", tmp_path / "data")
    places.data.mkdir()
    python_path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), WORKER)))

    def job(
        entry_point: str = "greet",
        run_id: str = "",
        tf_config: str = "",
        directory: str = str(workflow),
        **parameters: str,
    ) -> Outcome:
        environment = {
            **os.environ,
            "PYTHONPATH": python_path,
            "ALIDADE_ENTRY_POINT": entry_point,
            "ALIDADE_PARAMETERS": json.dumps(parameters, ensure_ascii=False),
            "ALIDADE_WORKFLOW": directory,
            "ALIDADE_TERMINATION_LOG": str(message),
            "MLFLOW_RUN_ID": run_id,
            "TF_CONFIG": tf_config,
            "MLFLOW_EXPERIMENT_ID": "",
        }
        message.write_text("")
        return Outcome(run(environment, Supervisor(), places), message.read_text())

    yield job
    for number, handler in handlers.items():
        signal.signal(number, handler)
