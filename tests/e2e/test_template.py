"""From nothing to results: the commands that `kubectl alidade init` prints, on a real cluster."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.support.cluster import KUBECONFIG, KUBECTL, Cluster
from tests.support.sources import python_path

NAME = "first-try"
_CLIENT = "from alidade.cli.app import main; main()"


def run(cluster: Cluster, command: str, folder: Path) -> str:
    """Run a command as it is printed; return its output."""
    words = shlex.split(command)
    program = [str(KUBECTL)]
    if words[:2] == ["kubectl", "alidade"]:
        program, words = [sys.executable, "-c", _CLIENT], words[1:]
    where = [] if words[1] == "init" else ["--namespace", cluster.namespace]
    done = subprocess.run(
        [*program, *words[1:], *where],
        cwd=folder,
        env={
            **os.environ,
            "KUBECONFIG": str(KUBECONFIG),
            "PYTHONPATH": python_path("core", "client"),
            "COLUMNS": "200",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_printed_leads_to_results(cluster: Cluster, tmp_path: Path) -> None:
    said = run(cluster, f"kubectl alidade init {NAME}", tmp_path)
    for command in re.findall(r"^  (kubectl .*)$", said, re.MULTILINE):
        last = run(cluster, command, tmp_path)
    rows = {line.split()[0]: line.split()[1:] for line in last.splitlines()}
    assert rows["JOB"] == ["RUN", "clean_accuracy", "robust_accuracy"]
    status, clean, robust = rows[f"{NAME}-evaluate"]
    assert status == "FINISHED"
    assert float(robust) < float(clean) - 0.2
    trained = cluster.job_status(f"{NAME}-train")
    assert trained["outputs"]["model_version"].isdecimal()
    assert trained["workflow"]["source"]["archive"]["uri"].startswith("runs:/")
