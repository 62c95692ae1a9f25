"""`kubectl alidade`, run in this process as a user runs it."""

import sys
from dataclasses import dataclass

import pytest

from alidade.cli import app


@dataclass(frozen=True)
class CommandLine:
    """Runs commands, and sees what they print."""

    patch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> tuple[int, str]:
        """Run a command; return its exit code and what it printed, or else its errors."""
        self.patch.setenv("COLUMNS", "200")
        self.patch.setattr(sys, "argv", ["kubectl-alidade", *arguments])
        with pytest.raises(SystemExit) as left:
            app.main()
        said = self.capsys.readouterr()
        return int(left.value.code or 0), said.out or said.err
