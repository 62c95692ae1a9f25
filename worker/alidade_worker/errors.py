"""The ways in which a job can fail without its entry point being to blame, with their exit codes.

The codes are those of BSD's ``sysexits.h``, so that a ``podFailurePolicy`` can tell a mistake in
the job, which no retry mends, from trouble around it.
"""

from typing import ClassVar


class WorkerError(Exception):
    """A failure whose text is meant for the person who wrote the job."""

    exit_code: ClassVar[int]


class UsageError(WorkerError):
    """The job asks for something that the workflow does not offer."""

    exit_code = 64


class OutputsError(WorkerError):
    """The entry point left outputs that cannot be handed on."""

    exit_code = 65


class WorkflowError(WorkerError):
    """The workflow is not there, or its MLproject cannot be used."""

    exit_code = 66


class TrackingError(WorkerError):
    """MLflow could not be asked: it is away, or something before it turns the job away.

    Either passes, by itself or as someone sees to it, so that the job is tried again.
    """

    exit_code = 69


class RunLostError(WorkerError):
    """MLflow answers, and does not have the job's run: no retry brings it back."""

    exit_code = 76


CODES = frozenset(error.exit_code for error in WorkerError.__subclasses__())
"""What a worker exits with for these reasons alone."""
