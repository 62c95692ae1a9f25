"""Servers on loopback that a test can kill and start again."""

import os
import random
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.polling import eventually

# Of several pytest processes side by side each has ports of its own.
_PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_NUMBER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
# Below the ports that the kernel picks for clients: a server that is started again finds its own.
_PORTS = range(20000, 32000)[_NUMBER::_PROCESSES]
_LOG_TAIL = 3000


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


class Server:
    """A process, with all that it starts.

    Args:
        command: What to run.
        log: Where its output goes.
        environment: Its whole environment; default: this process's own.
    """

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.command = tuple(command)
        self.log = log
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def processor_seconds(self) -> float:
        """What it has had of the processors by now, its children left out."""
        # proc(5): the name, in parentheses, may have blanks; utime and stime are fields 14 and 15.
        fields = self._proc("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def resident_bytes(self) -> int:
        """What of its memory is in the machine's now."""
        (line,) = (li for li in self._proc("status").splitlines() if li.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def _proc(self, name: str) -> str:
        assert self._process is not None, f"{self.log.stem} was not started"
        return Path(f"/proc/{self._process.pid}/{name}").read_text()

    def start(self) -> None:
        """Start it; it need not answer yet."""
        assert not self.runs, f"{self.log.stem} runs already"
        # Told to stop, the tests are to stop as at Ctrl-C, and to leave no process behind.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=self.log.parent,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill it, as a crash would; nothing happens if it does not run."""
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """Ask it to stop, and return its exit status."""
        return self._end(signal.SIGTERM)

    def pause(self) -> None:
        """Stop its clock, as a machine that sleeps or has no time for it."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Wait until it is ready.

        Raises:
            AssertionError: It ended, or takes too long; the message has the end of its log.
        """

        def check() -> bool:
            return not self.runs or ready()

        try:
            eventually(check)
            assert self.runs, "it ended by itself"
        except AssertionError as error:
            raise AssertionError(f"{self.log.stem}: {error}\n{self.log_tail()}") from error

    def log_tail(self) -> str:
        """Return the end of its output."""
        return self.log.read_text(errors="replace")[-_LOG_TAIL:]

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self.runs:
            self._signal(number)
        return self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)


def answers(url: str) -> bool:
    """Say whether an HTTP server answers well."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status) == 200
    except (urllib.error.URLError, OSError):
        return False
