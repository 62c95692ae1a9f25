"""The code and the data that a job was accepted with, and how they are told."""

from alidade_core.api.base import Model
from alidade_core.api.dataset import Dataset
from alidade_core.api.job_status import JobStatus
from alidade_core.api.workflow import WorkflowStatus

# Taken by the worker where nobody names a path, and the code is part of the image.
DEFAULT_PATH = "/workflow"


class Inputs(Model):
    """What a job was accepted with."""

    workflow: WorkflowStatus
    datasets: tuple[Dataset, ...] = ()

    @property
    def in_image(self) -> bool:
        """Whether all of it is part of the job's image."""
        return self.workflow.source is None and not self.datasets


def settled(status: JobStatus) -> Inputs:
    """Return what a job was accepted with.

    Raises:
        ValueError: It was not yet, as its experiment is not known.
    """
    if status.workflow is None:
        raise ValueError("only a job whose experiment was known has settled inputs")
    return Inputs(workflow=status.workflow, datasets=status.datasets)


def tags(status: JobStatus) -> dict[str, str]:
    """Return what a run's tags tell of its job's code and data; of git, by MLflow's own names."""
    source = status.workflow and status.workflow.source
    found: dict[str, str | None] = {}
    if source:
        found["alidade.dev/workflow-sha256"] = source.sha256
        found["mlflow.source.git.commit"] = source.commit
        found["mlflow.source.git.repoURL"] = source.git.repository if source.git else None
    for dataset in status.datasets:
        found[f"alidade.dev/dataset.{dataset.name}"] = (
            dataset.sha256 or dataset.claim or dataset.path
        )
    return {name: value for name, value in found.items() if value}
