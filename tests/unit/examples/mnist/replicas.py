"""Processes of one machine as the replicas of a job."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.polling import PATIENCE_SECONDS
from tests.support.sources import EXAMPLE, python_path


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


@contextmanager
def start(
    command: Sequence[str], logs: Path, environment: Mapping[str, str | Mapping[int, str]]
) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Start two replicas, each with its own TF_CONFIG and its log in `logs`; leave none behind."""
    with ExitStack() as stack:
        started = []
        for index, config in enumerate(tf_configs(2)):
            own = {k: v if isinstance(v, str) else v[index] for k, v in environment.items()}
            path = python_path("core", "worker", EXAMPLE)
            log = stack.enter_context((logs / f"{index}.log").open("wb"))
            process = subprocess.Popen(
                [sys.executable, *command],
                env={**os.environ, "PYTHONPATH": path, "TF_CONFIG": config, **own},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            stack.callback(_stop, process)
            started.append(process)
        yield started


def _stop(process: "subprocess.Popen[bytes]") -> None:
    # A worker passes this on to its entry point.
    process.terminate()
    process.wait(30)


def exit_codes(
    processes: Sequence["subprocess.Popen[bytes]"], seconds: float = PATIENCE_SECONDS
) -> list[int]:
    """Wait for all to end.

    Raises:
        subprocess.TimeoutExpired: One has not, in time.
    """
    deadline = time.monotonic() + seconds
    return [process.wait(max(0.0, deadline - time.monotonic())) for process in processes]


def wait_for(text: str, log: Path) -> None:
    """Wait until a log has this text in it.

    Raises:
        AssertionError: It has not for two minutes.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def kill_what_runs_in(worker: "subprocess.Popen[bytes]") -> None:
    """Kill the entry point of a worker, all of its processes, as the kernel does for memory."""
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    for child in children:
        os.killpg(int(child), signal.SIGKILL)
