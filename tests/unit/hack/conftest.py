"""The cluster scripts in a checkout of their own, on a machine that only looks like one."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.sources import REPOSITORY

# An engine that runs a cluster of three nodes, which is up.
DOCKER = """
case "$*" in
  version*) echo 27.0 ;;
  *' cat /kind/complete') sha256sum "$TREE/hack/cluster/kind.yaml" | cut -c1-16 ;;
  *' cat /etc/kubernetes/admin.conf') echo 'server: https://alidade-control-plane:6443' ;;
  'exec alidade-control-plane kubectl '*) printf '%s Ready\\n' one two three ;;
  port*) echo 127.0.0.1:6443 ;;
  *) echo "docker $*: not expected" >&2; exit 1 ;;
esac
"""
# What would make something real of it, where a script has gone astray.
MAKERS = ("apt-get", "go", "kind", "mmdebstrap")
KUBECTL = """
case "$*" in
  *'get --raw /readyz') echo "$KUBECONFIG" >>"$TREE/asked" ;;
  'config view'*) echo 'server: https://given.example.org' ;;
  'config current-context') echo given ;;
esac
"""


@dataclass(frozen=True)
class Tree:
    """A checkout that has nothing but the cluster scripts.

    Attributes:
        root: Its folder.
        programs: Folder of the programs that come first.
    """

    root: Path
    programs: Path

    @property
    def own(self) -> Path:
        """The kubeconfig that `up` writes."""
        return self.root / ".cluster/kubeconfig"

    def program(self, name: str, script: str) -> None:
        """Put a program in the place of the machine's."""
        path = self.programs / name
        path.write_text(f"#!/bin/bash\n{script}")
        path.chmod(0o755)

    def environment(self, **own: str) -> dict[str, str]:
        """Return the variables that commands there run with."""
        path = f"{self.programs}:{os.environ['PATH']}"
        kept = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
        tree = {"PATH": path, "TREE": str(self.root), "ALIDADE_CACHE": str(self.root / "cache")}
        return kept | tree | own

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command there."""
        return subprocess.run(
            command,
            cwd=self.root,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    root, programs = tmp_path / "checkout", tmp_path / "programs"
    shutil.copytree(REPOSITORY / "hack", root / "hack")
    programs.mkdir()
    # The machine may run an engine of this project's own.
    common = root / "hack/cluster/lib/common.sh"
    elsewhere = common.read_text().replace("ENGINE_RUN=/run/", f"ENGINE_RUN={tmp_path}/run-")
    assert elsewhere != common.read_text()
    common.write_text(elsewhere)
    found = Tree(root, programs)
    found.program("docker", DOCKER)
    found.program("kubectl", KUBECTL)
    found.program("helm", "")
    for name in MAKERS:
        found.program(name, f"echo '{name}: not expected' >&2; exit 1")
    return found
