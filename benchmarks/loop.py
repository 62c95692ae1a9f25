"""How soon a changed line of a workflow says something in its pod's log, beside a bare pod's.

Run after `make deploy`, with the client's environment:

    PYTHONPATH=core:client .venv-dev/bin/python benchmarks/loop.py

Ten times, in turn: a line of a folder is changed and the folder submitted by `kubectl alidade
submit --follow`, each time an archive that nobody has seen; and a bare pod of the same image echoes
a line, which `kubectl logs` shows when it has ended. Both are timed from the command to that line.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
STATE = REPOSITORY / ".cluster"
KUBECTL = STATE / "bin/kubectl"
IMAGE = "localhost/alidade-example-mnist:dev"
TIMES = 10
ENVIRONMENT = {**os.environ, "KUBECONFIG": str(STATE / "kubeconfig")}
CLIENT = [sys.executable, "-c", "from alidade.cli.app import main; main()"]
MLPROJECT = 'name: loop\nentry_points: {say: {command: "python say.py"}}\n'
SCENE = """
apiVersion: alidade.dev/v1alpha1
kind: Queue
metadata: {name: cpu}
spec:
  nodeSelector: {alidade.dev/pool: cpu}
  resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 512Mi}}
---
apiVersion: alidade.dev/v1alpha1
kind: Experiment
metadata: {name: loop}
spec: {queue: cpu}
"""


def kubectl(*arguments: str, stdin: str | None = None) -> None:
    """Run kubectl, and fail as it does."""
    subprocess.run(
        [KUBECTL, *arguments], env=ENVIRONMENT, input=stdin, text=True, check=True, stdout=2
    )


def until_said(command: list[str], words: str) -> float:
    """Run a command; return the seconds that passed until it printed these words."""
    begun = time.monotonic()
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
        seconds = next(
            (time.monotonic() - begun for line in process.stdout or () if words in line), None
        )
    if seconds is None:
        raise SystemExit(f"{' '.join(command)}: never said {words}")
    return seconds


def submitted(folder: Path, namespace: str) -> float:
    """Change a line, and submit the folder."""
    words = uuid.uuid4().hex
    (folder / "say.py").write_text(f"print({words!r}, flush=True)\n")
    where = ["-n", namespace, "-e", "loop"]
    return until_said([*CLIENT, "submit", str(folder), "say", "--follow", *where], words)


def bare(namespace: str) -> float:
    """Have a pod of the same image print a line."""
    words = uuid.uuid4().hex
    pod, run = f"bare-{words[:8]}", f"{KUBECTL} -n {namespace}"
    # Attached to, it may have said it before anybody listens.
    script = f"""
        {run} run {pod} --image={IMAGE} --restart=Never --quiet --command -- echo {words} >&2
        {run} wait pod/{pod} --for=jsonpath={{.status.phase}}=Succeeded --timeout=120s >&2
        {run} logs {pod}
    """
    return until_said(["bash", "-ec", script], words)


def main() -> None:
    """Print the seconds of each, and the medians with their ratio."""
    namespace = f"loop-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", namespace)
    try:
        kubectl("-n", namespace, "apply", "-f", "-", stdin=SCENE)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            (folder / "MLproject").write_text(MLPROJECT)
            submitted(folder, namespace)
            found = [(submitted(folder, namespace), bare(namespace)) for _ in range(TIMES)]
    finally:
        kubectl("delete", "namespace", namespace, "--wait=false")
    for ours, theirs in found:
        print(f"submitted {ours:5.1f} s   bare pod {theirs:5.1f} s")
    ours, theirs = (statistics.median(column) for column in zip(*found, strict=True))
    print(f"median    {ours:5.1f} s   bare pod {theirs:5.1f} s   ratio {ours / theirs:.1f}")


if __name__ == "__main__":
    main()
