"""What runs the blocks of a page: a shell and a Python whose state is kept from block to block."""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Self

from sybil.evaluators.python import PythonEvaluator

from tests.support.docs.output import agrees
from tests.support.docs.pages import COMMANDS, Block
from tests.support.sources import REPOSITORY

_PROMPT = "$ "
_python = PythonEvaluator()


class Shell:
    """A bash that ends at the first command that fails.

    Args:
        folder: Where it begins, and keeps its scripts.
        environment: Its variables.
        prelude: What it runs before anything else.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], prelude: str = "") -> None:
        self._scripts = folder.parent / f"{folder.name}.blocks"
        self._scripts.mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-euo", "pipefail"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.run(prelude)

    def run(self, script: str) -> str:
        """Run a script; return what it printed.

        Raises:
            AssertionError: It failed, or an earlier one did.
        """
        assert self._process.poll() is None, "an earlier block of the page failed"
        mark = f"-- {uuid.uuid4().hex}"
        file = self._scripts / f"{len(list(self._scripts.iterdir()))}.sh"
        file.write_text(script)
        stdin, stdout = _pipe(self._process.stdin), _pipe(self._process.stdout)
        stdin.write(f". {file} </dev/null\necho '{mark}'\n")
        stdin.flush()
        said = []
        for line in stdout:
            if line.rstrip("\n").endswith(mark):
                said.append(line.rstrip("\n").removesuffix(mark))
                return "".join(said)
            said.append(line)
        raise AssertionError(f"exit code {self._process.wait()}:\n{script}\n{''.join(said)}")

    def close(self) -> None:
        """End it, with all that it left running."""
        # It is gone if a block failed.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


class Sessions:
    """A session for each page, which begins in a checkout of its own.

    Args:
        folder: Where the checkouts are made.
        environment: Variables of all of them.
        prelude: What their shells run before anything else.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], prelude: str = "") -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._prelude = prelude
        self._shells: dict[str, Shell] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for shell in self._shells.values():
            shell.close()

    def run(self, block: Block) -> None:
        """Run a block, and compare what it prints with what the page says.

        Raises:
            AssertionError: It failed, or printed something else.
        """
        if block.language == "console":
            for command, shown in _commands(block.source):
                _compare(block, shown, self.printed(block.page, command))
        elif block.language in COMMANDS:
            _compare(block, block.shown, self.printed(block.page, block.source))
        else:
            _compare(block, block.shown, self._evaluate(block))

    def printed(self, page: str, script: str) -> str:
        """Run a script in a page's shell; return what it printed.

        Raises:
            AssertionError: It failed.
        """
        if page not in self._shells:
            self._shells[page] = Shell(self._checkout(page), self._environment, self._prelude)
        return self._shells[page].run(script)

    def _checkout(self, page: str) -> Path:
        folder = self._folder / page.replace("/", "-").removesuffix(".md")
        return folder if folder.exists() else _copy(folder)

    def _evaluate(self, block: Block) -> str:
        before = dict(os.environ)
        printed = io.StringIO()
        with contextlib.chdir(self._checkout(block.page)), contextlib.redirect_stdout(printed):
            os.environ.update(self._environment)
            try:
                _python(block.example)
            finally:
                os.environ.clear()
                os.environ.update(before)
        return printed.getvalue()


def _compare(block: Block, shown: str | None, printed: str) -> None:
    told = f"{block.place} shows\n\n{shown}\nand what is printed is\n\n{printed}"
    assert shown is None or agrees(shown, printed), told


def _commands(source: str) -> Iterator[tuple[str, str]]:
    """Yield the commands of a console block, each with what is printed below it."""
    for part in f"\n{source}".split(f"\n{_PROMPT}")[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


def _copy(folder: Path) -> Path:
    """Copy what git would have of this checkout, so that commands leave nothing in it."""
    command = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    listed = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        source, target = REPOSITORY / name, folder / name
        if source.is_file() and not source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return folder
