"""The entry point's process: started, told when to stop, and its last words kept."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import IO

_KEPT_BYTES = 64 * 1024
_DRAIN_SECONDS = 2.0


@dataclass(frozen=True)
class Ending:
    """How the entry point's process ended."""

    returncode: int
    """As subprocess has it: a signal's number, negated, where a signal ended the process."""
    stderr: str
    """The end of what it wrote to standard error, 64 KiB at most."""


class Supervisor:
    """Runs one command and passes SIGTERM and SIGINT on to it, all of its processes included.

    Until the command has started, either signal ends this process at once.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = False
        self._pending: int | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._forward)

    def run(self, command: str, directory: Path, environment: Mapping[str, str]) -> Ending:
        """Run a shell command to its end, its standard error both kept and passed on."""
        # From here on a signal waits for the child, or it would run on with no one to stop it.
        self._starting = True
        process = subprocess.Popen(  # noqa: S603 - running the workflow's command is the purpose
            ["/bin/bash", "-c", command],
            cwd=directory,
            env=dict(environment),
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._process = process
        if self._pending is not None:
            self._forward(self._pending, None)
        kept = bytearray()
        pump = Thread(target=_copy, args=(process.stderr, kept), daemon=True)
        pump.start()
        returncode = process.wait()
        # A grandchild left behind may hold the pipe open for ever.
        pump.join(_DRAIN_SECONDS)
        return Ending(returncode=returncode, stderr=bytes(kept).decode(errors="replace"))

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        if not self._starting:
            raise SystemExit(128 + number)
        if self._process is None:
            self._pending = number
        elif self._process.poll() is None:
            os.killpg(self._process.pid, number)


def _copy(source: IO[bytes] | None, kept: bytearray) -> None:
    if source is None:
        return
    while chunk := os.read(source.fileno(), _KEPT_BYTES):
        sys.stderr.buffer.write(chunk)
        sys.stderr.buffer.flush()
        kept += chunk
        del kept[:-_KEPT_BYTES]
