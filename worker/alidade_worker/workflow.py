"""Where a job's workflow comes from: a directory of the image, or a source that is fetched."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from shutil import rmtree

from alidade_core.contract import WORKFLOW_SHA256, WORKFLOW_URI
from alidade_worker.errors import WorkflowError
from alidade_worker.source.archive import unpack
from alidade_worker.source.fetch import fetch_file
from alidade_worker.source.limits import LIMITS
from alidade_worker.source.means import Means
from alidade_worker.source.plugins import install_plugins
from alidade_worker.source.problems import RefusedError
from alidade_worker.source.telling import telling
from alidade_worker.source.uri import shown

DEFAULT_DIRECTORY = Path("/workflow")

_GIT = "git+"


@dataclass(frozen=True)
class Workflow:
    """A workflow that is there to be run."""

    directory: Path
    """Absolute, with the MLproject in it."""
    origin: str
    """Where it is from, for people: the directory, or the source's address."""
    python_path: tuple[Path, ...] = ()
    """Where its code and plugins are imported from, beside its image's own."""
    programs: tuple[Path, ...] = ()
    """Where the commands of its plugins are."""


def find_workflow(
    directory: str, environment: Mapping[str, str], scratch: Path, means: Means
) -> Workflow:
    """Return a job's workflow, whose source has been fetched where it has one.

    Args:
        directory: with a source a directory in it, empty for its root; otherwise one of the pod,
            empty for the image's own, :data:`DEFAULT_DIRECTORY`.
        environment: the pod's.
        scratch: a folder for what is fetched, which stays as long as the job.
        means: what it is fetched with.

    Raises:
        WorkflowError: it is not there, or not fit for use.
        SourceUnavailableError: its source cannot be reached.
    """
    uri = environment.get(WORKFLOW_URI, "")
    if not uri:
        return Workflow(workflow_directory(directory), str(workflow_directory(directory)))
    with telling(f"The workflow's source {shown(uri)}", means.memory):
        root = _fetched(uri, environment.get(WORKFLOW_SHA256, ""), scratch, means)
        inside = _inside(root, directory)
        plugins = install_plugins(inside, scratch / "plugins")
    python_path = dict.fromkeys((inside, root, *plugins.python_path))
    return Workflow(inside, shown(uri), tuple(python_path), plugins.programs)


def workflow_directory(source: str) -> Path:
    """Return the absolute directory of this pod that holds the workflow.

    Args:
        source: a directory's path; empty for the image's own, :data:`DEFAULT_DIRECTORY`.

    Raises:
        WorkflowError: the source is not a directory of this pod.
    """
    directory = Path(source) if source else DEFAULT_DIRECTORY
    if not directory.is_dir():
        raise WorkflowError(f"There is no workflow directory {directory} in this pod.")
    return directory.resolve()


def _fetched(uri: str, sha256: str, scratch: Path, means: Means) -> Path:
    root = scratch / "source"
    root.mkdir()
    if uri.startswith(_GIT):
        # Only those who need it wait for its import.
        from alidade_worker.source.git import fetch_commit  # noqa: PLC0415

        repository, _, commit = uri.removeprefix(_GIT).rpartition("@")
        objects = scratch / "objects"
        fetch_commit(repository, commit, root, scratch=objects, means=means)
        rmtree(objects)
        return root
    archive = scratch / "archive"
    fetch_file(uri, sha256, archive, LIMITS.archive, means)
    unpack(archive, root)
    archive.unlink()
    return root


def _inside(root: Path, directory: str) -> Path:
    path = PurePosixPath(directory)
    if path.is_absolute() or ".." in path.parts:
        raise RefusedError(f"path {directory!r} leads out of it")
    found = root / path
    if not found.is_dir():
        raise RefusedError(f"it has no directory {directory!r}")
    return found
