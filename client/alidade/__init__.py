"""Alidade's client: experiments and jobs from Python, with only a kubeconfig.

What is named here is imported when it is first used: a command line has no time to lose.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from alidade.async_client import AsyncClient
    from alidade.client import Client
    from alidade.errors import AlidadeError
    from alidade.jobs.submission import output_of, run_of
    from alidade.manifests import from_yaml, to_yaml
    from alidade.progress import shown
    from alidade_core.api.base import Metadata
    from alidade_core.api.dataset import Dataset
    from alidade_core.api.experiment import Experiment, ExperimentSpec
    from alidade_core.api.job import Dependency, Job, JobSpec
    from alidade_core.api.queue import Queue, QueueSpec

__all__ = [
    "AlidadeError",
    "AsyncClient",
    "Client",
    "Dataset",
    "Dependency",
    "Experiment",
    "ExperimentSpec",
    "Job",
    "JobSpec",
    "Metadata",
    "Queue",
    "QueueSpec",
    "from_yaml",
    "output_of",
    "run_of",
    "shown",
    "to_yaml",
]

_MODULES: Final = {
    "AlidadeError": "alidade.errors",
    "AsyncClient": "alidade.async_client",
    "Client": "alidade.client",
    "Dataset": "alidade_core.api.dataset",
    "Dependency": "alidade_core.api.job",
    "Experiment": "alidade_core.api.experiment",
    "ExperimentSpec": "alidade_core.api.experiment",
    "Job": "alidade_core.api.job",
    "JobSpec": "alidade_core.api.job",
    "Metadata": "alidade_core.api.base",
    "Queue": "alidade_core.api.queue",
    "QueueSpec": "alidade_core.api.queue",
    "from_yaml": "alidade.manifests",
    "output_of": "alidade.jobs.submission",
    "run_of": "alidade.jobs.submission",
    "shown": "alidade.progress",
    "to_yaml": "alidade.manifests",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
