"""The entry point's process: started, told when to stop, and how it ended."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from alidade_worker.log import say

_SHELL_SIGNAL_BASE = 128


class Supervisor:
    """Runs one command and passes SIGTERM and SIGINT on to it, all of its processes included.

    What the command writes goes where this process's own output goes, untouched: why it failed is
    for the log to tell. Until the command has started, either signal ends this process at once.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = False
        self._pending: int | None = None
        self._epilogue = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._forward)

    def run(self, command: list[str], directory: Path, environment: Mapping[str, str]) -> int:
        """Run a command to its end.

        Returns:
            The status to exit with so as to pass its ending on. A command that a signal ended has
            none of its own: it becomes 128 and the signal's number, as a shell and Kubernetes
            count.
        """
        # From here on a signal waits for the child, or it would run on with no one to stop it.
        self._starting = True
        process = subprocess.Popen(  # noqa: S603 - running the workflow's command is the purpose
            command, cwd=directory, env=dict(environment), start_new_session=True
        )
        self._process = process
        if self._pending is not None:
            self._forward(self._pending, None)
        returncode = process.wait()
        return returncode if returncode >= 0 else _SHELL_SIGNAL_BASE - returncode

    @contextmanager
    def epilogue(self) -> Iterator[None]:
        """Let either signal end this block alone, once the command has: nobody waits for it."""
        self._epilogue = True
        try:
            yield
        except SystemExit:
            say("told to stop")
        finally:
            self._epilogue = False

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        if not self._starting or self._epilogue:
            raise SystemExit(128 + number)
        if self._process is None:
            self._pending = number
        elif self._process.poll() is None:
            os.killpg(self._process.pid, number)
