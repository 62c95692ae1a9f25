"""A workflow to begin with, which a user makes their own: a copy of the template beside this."""

import shlex
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from alidade.errors import FolderError

TEMPLATE_NAME: Final = "digits-robustness"
"""What the template calls its experiment, and all that is named after it."""
MAX_NAME: Final = 50
"""How long a name may be: those of the jobs begin with it."""

_CACHES: Final = frozenset({"__pycache__", ".pytest_cache"})


def begin(folder: Path, name: str) -> list[str]:
    """Write the workflow into a folder; return the names of the files.

    Args:
        folder: It is empty, or not there yet.
        name: Of the experiment, its queue and the model.

    Raises:
        FolderError: There is something in it already, or it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise FolderError(f"{folder}: is not empty: name a new folder, or an empty one")
        written = []
        with as_file(files("alidade") / "template") as template:
            for source in _files(template):
                place = source.relative_to(template)
                (folder / place).parent.mkdir(exist_ok=True)
                text = source.read_text("utf-8").replace(TEMPLATE_NAME, name)
                (folder / place).write_text(text, "utf-8")
                written.append(place.as_posix())
    except OSError as error:
        raise FolderError(f"{folder}: cannot be written to: {error.strerror}") from error
    return written


def next_steps(folder: Path, name: str) -> list[str]:
    """Return the commands that lead from the folder to results."""
    where, manifest = shlex.quote(str(folder)), shlex.quote(str(folder / "experiment.yaml"))

    def submit(entry_point: str, more: str) -> str:
        job = f"--name {name}-{entry_point}"
        return f"kubectl alidade submit {where} {entry_point} -e {name} {job}{more}"

    trained = f" --from model_version={name}-train:model_version"
    attacked = f" --from model_version={name}-attack:model_version"
    return [
        f"kubectl apply -f {manifest}",
        submit("train", ""),
        submit("attack", f"{trained} -P eps=0.2"),
        submit("evaluate", f"{attacked} --from attack_run={name}-attack:mlflowRunId --wait"),
        f"kubectl alidade results -e {name} -m clean_accuracy -m robust_accuracy",
    ]


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _CACHES.intersection(path.relative_to(folder).parts):
            yield path
