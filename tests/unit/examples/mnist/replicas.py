"""Processes of one machine as the replicas of a job."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parents[4]
PATIENCE_SECONDS = 120.0


def tf_configs(number: int) -> list[str]:
    """Return what TF_CONFIG tells each of so many replicas, on ports that are free."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        workers = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    return [
        json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})
        for index in range(number)
    ]


def start(
    command: Sequence[str], logs: Path, number: int = 2, **environment: Mapping[int, str] | str
) -> list["subprocess.Popen[bytes]"]:
    """Start the replicas, each with its own TF_CONFIG and its log in `logs`."""
    started = []
    for index, config in enumerate(tf_configs(number)):
        own = {k: v if isinstance(v, str) else v[index] for k, v in environment.items()}
        path = os.pathsep.join(map(str, (ROOT / "worker", ROOT / "examples" / "mnist")))
        with (logs / f"{index}.log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    [sys.executable, *command],
                    env={**os.environ, "PYTHONPATH": path, "TF_CONFIG": config, **own},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            )
    return started


def exit_codes(
    processes: Sequence["subprocess.Popen[bytes]"], seconds: float = PATIENCE_SECONDS
) -> list[int]:
    """Wait for all to end; kill those that do not, and fail."""
    deadline = time.monotonic() + seconds
    try:
        return [p.wait(max(0, deadline - time.monotonic())) for p in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def wait_for(text: str, log: Path) -> None:
    """Wait until a log has this text in it.

    Raises:
        AssertionError: It has not for two minutes.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
