"""The programs that pages name, as a user has them: a Python of one's own with pip, kubectl."""

import site
from pathlib import Path
from venv import EnvBuilder

# Everything that the distributions need is there, so that nobody asks an index. What was installed
# on one page is not installed again on another.
PRELUDE = """
pip() {
  local done
  done=$VIRTUAL_ENV/$(printf '%s ' "$@" | sha256sum | cut -c1-16)
  [ -e "$done" ] || python -m pip "$@"
  touch "$done"
}
"""


def environment(folder: Path, kubectl: Path | None = None) -> dict[str, str]:
    """Make a virtual environment; return the variables of a shell that has activated it.

    Args:
        folder: Where it is made.
        kubectl: Folder with kubectl, helm and the like.
    """
    EnvBuilder(symlinks=True).create(folder)
    (library,) = folder.glob("lib/python*/site-packages")
    (library / "there.pth").write_text("\n".join(site.getsitepackages()))
    folders = [str(folder / "bin"), *([str(kubectl)] if kubectl else [])]
    return {
        "PATH": ":".join([*folders, "/usr/local/bin:/usr/bin:/bin"]),
        "VIRTUAL_ENV": str(folder),
        "HOME": str(folder),
        "COLUMNS": "200",
        "LC_ALL": "C.UTF-8",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
