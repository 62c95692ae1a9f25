"""What the command line says without a cluster."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from alidade.cli import app
from tests.support.sources import REPOSITORY

COMPLETER = REPOSITORY / "client/kubectl_complete-alidade"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["kubectl-alidade", *arguments])
    with pytest.raises(SystemExit) as left:
        app.main()
    return int(left.value.code or 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-P", "eps"), "-P eps: has to be NAME=VALUE"),
        (("--from", "run_id=fgm"), "--from run_id=fgm: has to be NAME=JOB:mlflowRunId"),
        (("--dataset", "images"), "dataset images: has to be NAME=claim:CLAIM"),
    ],
)
def test_parameters_that_are_written_otherwise_are_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    said: str,
) -> None:
    assert run(monkeypatch, "submit", ".", "train", *arguments) == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_a_kubeconfig_that_is_none_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    assert run(monkeypatch, "tree") == 6
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: the kubeconfig {tmp_path / 'missing'} cannot be used: ")


def test_kubectl_is_told_what_may_come_next(tmp_path: Path) -> None:
    program = tmp_path / "kubectl-alidade"
    program.write_text(
        f"#!{sys.executable}\n"
        f"import sys; sys.path[:0] = {[str(REPOSITORY / n) for n in ('client', 'core')]}\n"
        "from alidade.cli.app import main; main()\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"

    def complete(*words: str) -> list[str]:
        done = subprocess.run(
            [COMPLETER, *words],
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()

    assert complete("res") == ["results", ":4"]
    assert {"--parameter", "--experiment"} <= set(complete("submit", "--"))
    assert complete("submit", "--dataset", "d=c")[0] == "d=claim:"
