"""Which image a job runs in: its own, its experiment's, or the installation's."""

from typing import NamedTuple

from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job


class Image(NamedTuple):
    """An image, with the Secrets of the job's namespace that it is pulled by."""

    reference: str
    pull_secrets: tuple[str, ...] = ()


def choose(job: Job, experiment: Experiment, default: Image | None) -> Image | None:
    """Return the image of a job, None where nobody names any.

    Args:
        job: The job.
        experiment: Its experiment.
        default: The installation's, None where it has none.
    """
    own = job.spec.image or (experiment.spec.workflow and experiment.spec.workflow.image)
    # Who names an image says in a podTemplate, or a ServiceAccount, how it is pulled.
    return Image(own) if own else default
