"""How a job can fail without its entry point being to blame, with the exit code of each way."""

import json
from typing import ClassVar

from alidade_core import contract
from alidade_core.words import clip

# Of the termination message, which also holds the reason and what JSON puts in.
_LONGEST_MESSAGE = 1500


class WorkerError(Exception):
    """A failure whose text is meant for the person who wrote the job."""

    exit_code: ClassVar[int]

    def message(self) -> str:
        """Return the termination message that tells of it."""
        return str(self)


class UsageError(WorkerError):
    """The job asks for something that the workflow does not offer."""

    exit_code = contract.USAGE


class OutputsError(WorkerError):
    """The entry point left outputs that cannot be handed on."""

    exit_code = contract.BAD_OUTPUTS


class WorkflowError(WorkerError):
    """The workflow is not there, or its source, its MLproject or a dataset cannot be used."""

    exit_code = contract.NO_WORKFLOW


class SourceUnavailableError(WorkerError):
    """The workflow's source or a dataset cannot be reached, and later perhaps can."""

    exit_code = contract.UNREACHABLE

    def message(self) -> str:
        """Return it with its reason, as MLflow's absence has the same exit code."""
        return json.dumps(
            {
                contract.REASON: contract.SOURCE_UNAVAILABLE,
                contract.MESSAGE: clip(str(self), _LONGEST_MESSAGE),
            },
            ensure_ascii=False,
        )


class TrackingError(WorkerError):
    """MLflow could not be asked: it is away, or something before it turns the job away.

    Either passes, by itself or as someone sees to it, so that the job is tried again.
    """

    exit_code = contract.UNREACHABLE


class RunLostError(WorkerError):
    """MLflow answers, and does not have the job's run: no retry brings it back."""

    exit_code = contract.RUN_LOST


CODES = frozenset(error.exit_code for error in WorkerError.__subclasses__())
"""What a worker exits with for these reasons alone."""
