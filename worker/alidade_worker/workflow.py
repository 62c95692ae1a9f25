"""Where a job's workflow comes from: today a directory of the pod, in the image or mounted."""

from pathlib import Path

from alidade_worker.errors import WorkflowError

DEFAULT_DIRECTORY = Path("/workflow")


def workflow_directory(source: str) -> Path:
    """Return the absolute directory that holds the workflow.

    Args:
        source: a directory's path; empty for the image's own, :data:`DEFAULT_DIRECTORY`.

    Raises:
        WorkflowError: the source is not a directory of this pod.
    """
    if "://" in source:
        raise WorkflowError(
            f"Workflow source {source} cannot be fetched: this worker takes a directory only."
        )
    directory = Path(source) if source else DEFAULT_DIRECTORY
    if not directory.is_dir():
        raise WorkflowError(f"There is no workflow directory {directory} in this pod.")
    return directory.resolve()
