"""Where the distributions' sources are, for the processes that tests start."""

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "examples" / "mnist"


def python_path(*folders: str | Path) -> str:
    """Return a PYTHONPATH of folders of the repository."""
    return os.pathsep.join(str(REPOSITORY / folder) for folder in folders)


OPERATOR = python_path("core", "operator")
WORKER = python_path("core", "worker")
