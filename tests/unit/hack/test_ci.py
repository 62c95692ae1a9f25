"""What CI does around `make test`: from nothing, in a folder that goes again, with its times."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.sources import REPOSITORY
from tests.unit.hack.conftest import Tree

STEPS = ["lint", "verify", "test-unit", "test-integration", "test-e2e"]
# Each notes its name and where it makes things, and makes some as the real one does.
NOTES = """
echo "$(basename "$0") $*" >>"$TREE/done"
printf '%s\\n' "$ALIDADE_CACHE" "$GOMODCACHE" "$GOCACHE" >>"$TREE/caches"
"""
MAKE = f"""{NOTES}
[ ! -e "$GOMODCACHE/module" ] || echo "$*" >>"$TREE/beside-the-modules"
[ "$*" != "$FAILS" ] || {{ echo 'no such image'; exit 1; }}
[ "$*" != "$HANGS" ] || sleep 600
"""
BINARIES = f"""{NOTES}
mkdir -p "$GOMODCACHE/module" "$ALIDADE_CACHE/bin"
touch "$GOMODCACHE/module/go.mod"
chmod -R a-w "$GOMODCACHE"
[ "$FAILS" != programs ] || {{ echo 'no such module'; exit 1; }}
"""
VENV = f"""{NOTES}
mkdir -p "$ALIDADE_CACHE/venv/$1"
ln -sfn "$ALIDADE_CACHE/venv/$1" "$TREE/.venv-$1"
"""


@pytest.fixture
def clone(tree: Tree) -> Tree:
    shutil.copytree(REPOSITORY / ".ci", tree.root / ".ci")
    shutil.copy(REPOSITORY / "Makefile", tree.root)
    (tree.root / "temporary").mkdir()
    (tree.root / "examples/mnist").mkdir(parents=True)
    tree.program("make", MAKE)
    for path, script in (
        ("hack/cluster/binaries", BINARIES),
        ("hack/venv", VENV),
        ("examples/mnist/fetch-data", NOTES),
    ):
        file = tree.root / path
        file.write_text(f"#!/bin/bash\n{script}")
        file.chmod(0o755)
    return tree


def _run(clone: Tree, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {"TMPDIR": str(clone.root / "temporary"), "FAILS": "", "HANGS": ""}
    return clone.run(".ci/run", **own | environment)


def _done(clone: Tree) -> list[str]:
    return (clone.root / "done").read_text().splitlines()


def _steps(clone: Tree) -> list[str]:
    return [line.removeprefix("make ") for line in _done(clone) if line.startswith("make ")]


def _told(said: str) -> dict[str, str]:
    """Return the table at the end: by step, what is told of it."""
    table = said[said.index(" seconds  its cpu  all cpu  GB free  step\n") :]
    rows = re.findall(r"^(?: +(?:\d+|-)){4}  ([^:\n]+)(.*)$", table, re.MULTILINE)
    return dict(rows)


def _left(clone: Tree) -> list[Path]:
    return [*(clone.root / "temporary").iterdir(), *clone.root.glob(".venv-*")]


def test_all_of_make_test_is_run_between_two_teardowns(clone: Tree) -> None:
    done = _run(clone)
    assert not done.returncode, done.stderr
    aside = ["deploy"]
    assert [step for step in _steps(clone) if step not in aside] == ["teardown", *STEPS, "teardown"]
    assert [step for step in _steps(clone) if step in aside] == aside
    assert {"binaries ", "binaries kueue", "fetch-data "} <= set(_done(clone))


def test_how_long_each_step_took_is_told_at_the_end(clone: Tree) -> None:
    told = _told(_run(clone).stderr)
    assert {*STEPS, "environment", "teardown", "all of it"} <= told.keys()
    beside = {f"{name} (beside others)" for name in ("programs", "data", "deploy")}
    assert beside <= told.keys()
    assert set(told.values()) == {""}


def test_everything_is_made_in_a_folder_that_goes_again(clone: Tree) -> None:
    own = clone.root / "cache/bin"
    own.mkdir(parents=True)
    done = _run(clone, GOMODCACHE=str(own), GOCACHE=str(own))
    assert not done.returncode, done.stderr
    caches = (clone.root / "caches").read_text().splitlines()
    # The teardown at the beginning is of what the machine's own cache brought up.
    assert caches[:3] == [str(own.parent), str(own), str(own)]
    assert all(cache.startswith(f"{clone.root}/temporary/alidade-ci.") for cache in caches[3:])
    assert not list(own.iterdir())
    assert not _left(clone)


def test_what_was_needed_to_compile_has_made_room_before_images_are_built(clone: Tree) -> None:
    assert not _run(clone).returncode
    beside = clone.root / "beside-the-modules"
    seen = beside.read_text().splitlines() if beside.exists() else []
    assert not {"test-integration", "deploy", "test-e2e"} & set(seen)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_is_the_last_and_nothing_stays(clone: Tree, step: str) -> None:
    done = _run(clone, FAILS=step)
    assert done.returncode
    assert [s for s in _steps(clone) if s != "deploy"][-2:] == [step, "teardown"]
    assert _steps(clone)[-1] == "teardown"
    assert _told(done.stderr)[step] == ": failed"
    assert not _left(clone)


@pytest.mark.parametrize(
    ("name", "words", "never_run"),
    [
        ("programs", "no such module", "test-integration"),
        ("deploy", "no such image", "test-e2e"),
    ],
)
def test_what_fails_beside_the_steps_is_told_with_its_output(
    clone: Tree, name: str, words: str, never_run: str
) -> None:
    done = _run(clone, FAILS=name)
    assert done.returncode
    assert words in done.stderr
    assert never_run not in _steps(clone)
    assert _steps(clone)[-1] == "teardown"
    assert _told(done.stderr)[f"{name} (beside others)"] == ": failed"
    assert not _left(clone)


def test_what_is_still_made_beside_a_step_that_fails_ends_with_it(clone: Tree) -> None:
    done = _run(clone, FAILS="test-integration", HANGS="deploy")
    assert done.returncode
    assert _steps(clone)[-1] == "teardown"
    assert not _left(clone)


def test_stopped_in_the_middle_it_tears_down_and_nothing_stays(clone: Tree) -> None:
    path = f"{clone.programs}:{os.environ['PATH']}"
    temporary = clone.root / "temporary"
    environment = {
        "PATH": path,
        "TREE": str(clone.root),
        "HOME": str(clone.root),
        "TMPDIR": str(temporary),
        "FAILS": "",
        "HANGS": "test-unit",
    }
    with subprocess.Popen(
        [".ci/run"], cwd=clone.root, env=environment, start_new_session=True
    ) as process:
        while "make test-unit" not in (_done(clone) if (clone.root / "done").exists() else ()):
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait() == 128 + signal.SIGTERM
    assert _steps(clone)[-1] == "teardown"
    assert not _left(clone)
