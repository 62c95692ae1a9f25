"""The operator's own process, as its image runs it."""

import os
import sys
import urllib.request
from pathlib import Path
from typing import Self

from tests.support.process import Server, answers, free_port
from tests.support.sources import OPERATOR

# Settings of another operator, and the cluster that the tests themselves may run in.
_FOREIGN = ("ALIDADE_", "KUBERNETES_")


class Operator:
    """`python -m alidade_operator`.

    Args:
        log: Where its output goes.
        kubeconfig: How it reaches the API server.
        tracking_uri: How it and the pods reach MLflow.
        python: The interpreter; default: that of the tests.
        settings: Other settings, by their names in `alidade_operator.ops.settings`.
    """

    def __init__(
        self,
        log: Path,
        kubeconfig: Path,
        tracking_uri: str,
        *,
        python: str = sys.executable,
        **settings: str,
    ) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        own = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        chosen = {
            "tracking_uri": tracking_uri,
            "http_port": str(port),
            "signing_key": "known to the operator alone",
            **settings,
        }
        self._server = Server(
            [python, "-m", "alidade_operator"],
            log,
            own
            | {"KUBECONFIG": str(kubeconfig), "PYTHONPATH": OPERATOR}
            | {f"ALIDADE_{name.upper()}": value for name, value in chosen.items()},
        )

    def __enter__(self) -> Self:
        self.start()
        self.wait_until_ready()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def runs(self) -> bool:
        """Whether the process lives."""
        return self._server.runs

    @property
    def processor_seconds(self) -> float:
        """What it has had of the processors by now."""
        return self._server.processor_seconds

    @property
    def resident_bytes(self) -> int:
        """What of its memory is in the machine's now."""
        return self._server.resident_bytes

    def start(self) -> None:
        """Start it; it need not be ready yet."""
        self._server.start()

    def kill(self) -> None:
        """Kill it, as a crash would."""
        self._server.kill()

    def terminate(self) -> int:
        """Stop it as the kubelet does, and return its exit status."""
        return self._server.terminate()

    def pause(self) -> None:
        """Stop its clock, as a machine that sleeps or has no time for it."""
        self._server.pause()

    def resume(self) -> None:
        """Let it go on."""
        self._server.resume()

    def wait_until_ready(self) -> None:
        """Wait until its readiness probe succeeds."""
        self._server.wait_until(lambda: answers(f"{self.url}/readyz"))

    def read(self, path: str) -> str:
        """Return what it serves there."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    def log_tail(self) -> str:
        """Return the end of what it logged."""
        return self._server.log_tail()

    def log(self) -> str:
        """Return all that it logged."""
        return self._server.log.read_text()
