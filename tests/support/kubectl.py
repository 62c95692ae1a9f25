"""kubectl as a user runs it."""

import os
import subprocess
from pathlib import Path


def kubectl(
    binary: Path,
    kubeconfig: Path,
    *arguments: str | Path,
    stdin: str | None = None,
    check: bool = True,
) -> str:
    """Run kubectl; return what it printed, errors included.

    Raises:
        AssertionError: It failed, and `check` is set.
    """
    done = subprocess.run(
        [binary, *arguments],
        env={**os.environ, "KUBECONFIG": str(kubeconfig)},
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"kubectl {' '.join(map(str, arguments))}: {done.stdout}")
    return done.stdout
