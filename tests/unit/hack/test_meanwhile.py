"""What scripts do beside what they do next."""

import subprocess

from tests.unit.hack.conftest import Tree

SOURCE = "source hack/cluster/lib/common.sh; "


def _bash(tree: Tree, script: str) -> subprocess.CompletedProcess[str]:
    return tree.run("bash", "-c", f"set -euo pipefail; {SOURCE}{script}")


def test_what_is_done_meanwhile_says_nothing_in_between(tree: Tree) -> None:
    done = _bash(tree, "meanwhile images echo built; echo up; finished; echo ready")
    assert (done.returncode, done.stdout, done.stderr) == (0, "up\nready\n", "")
    assert (tree.root / ".cluster/log/images.log").read_text() == "built\n"


def test_what_fails_meanwhile_is_told_by_its_name_with_its_output(tree: Tree) -> None:
    done = _bash(tree, "meanwhile images bash -c 'echo no such package; exit 3'; finished; echo on")
    assert (done.returncode, done.stdout) == (1, "")
    said, why = done.stderr.splitlines()
    assert said == "no such package"
    assert why.startswith("hack/cluster: failed: images (all of its output: ")


def test_what_is_still_done_ends_with_the_script(tree: Tree) -> None:
    mark = tree.root / "mark"
    hangs = f"meanwhile images bash -c 'echo $$ >{mark}; sleep 600'"
    done = _bash(tree, f"{hangs}; until [ -s {mark} ]; do :; done; die why")
    assert (done.returncode, done.stderr) == (1, "hack/cluster: why\n")
    number = mark.read_text().strip()
    there = f"kill -0 {number} 2>/dev/null"
    assert not _bash(tree, f"while {there}; do sleep 0.1; done").returncode
