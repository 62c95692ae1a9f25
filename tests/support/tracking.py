"""A real MLflow tracking server on loopback."""

import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Self

from mlflow import MlflowClient
from mlflow.entities import Run

from tests.support.polling import PATIENCE_SECONDS
from tests.support.process import Server, answers, free_port

UID_TAG = "alidade.dev/uid"
# uvicorn's line for a request, and what a path of artifacts goes on with.
_REQUEST = re.compile(r'"([A-Z]+) ([^ ?"]+)[^"]*" [0-9]{3}')
_ID = re.compile(r"(?<=/artifacts/).*")


class TrackingServer:
    """`mlflow server` over a SQLite file.

    Args:
        folder: Where its database and log are.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = folder / "mlflow.db"
        port = free_port()
        self.uri = f"http://127.0.0.1:{port}"
        # Tests see a server that is away at once, instead of MLflow's own minutes of retries.
        os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "1"
        self.client = MlflowClient(self.uri)
        self._server = Server(
            [
                *(sys.executable, "-m", "mlflow", "server"),
                # A request waits for others to have written, as long as it takes.
                *("--backend-store-uri", f"sqlite:///{self._database}?timeout={PATIENCE_SECONDS}"),
                *("--artifacts-destination", str(folder / "artifacts")),
                *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            ],
            folder / "mlflow.log",
            {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        )

    def __enter__(self) -> Self:
        self.start()
        self.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it; it need not answer yet."""
        self._server.start()

    def kill(self) -> None:
        """Kill it, as a crash would."""
        self._server.kill()

    def lose_everything(self) -> None:
        """Take its database away, while it does not run."""
        for file in self._database.parent.glob(f"{self._database.name}*"):
            file.unlink()

    def wait_until_ready(self) -> None:
        """Wait until it answers."""
        self._server.wait_until(lambda: answers(f"{self.uri}/health"))

    def mark(self) -> int:
        """Return where the log of requests ends now."""
        return self._server.log.stat().st_size

    def asked(self, mark: int) -> Counter[str]:
        """Count what was asked since a mark, by method and path, IDs left out."""
        with self._server.log.open("rb") as log:
            log.seek(mark)
            found = (_REQUEST.search(line.decode(errors="replace")) for line in log)
            return Counter(f"{m[1]} {_ID.sub('...', m[2])}" for m in found if m)

    def runs_of(self, uid: str) -> list[Run]:
        """Return all runs with the UID of a job as their tag."""
        experiments = [found.experiment_id for found in self.client.search_experiments()]
        return list(self.client.search_runs(experiments, f"tags.`{UID_TAG}` = '{uid}'"))
