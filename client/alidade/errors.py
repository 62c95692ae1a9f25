"""What a call may raise: each tells in one sentence what is wrong, and what would be right.

Every kind has an exit code of its own, by which scripts tell them apart (docs/kubectl.md).
"""

from typing import ClassVar


class AlidadeError(Exception):
    """Something that a user can do something about."""

    exit_code: ClassVar[int] = 1


class NotFoundError(AlidadeError):
    """There is no such object."""

    exit_code = 3


class ForbiddenError(AlidadeError):
    """The user lacks a right; the message names it, and the role that has it."""

    exit_code = 4


class RefusedError(AlidadeError):
    """The API server, a policy or a quota takes no such object; the message has the words."""

    exit_code = 5


class AlreadyExistsError(RefusedError):
    """An object of that name is there already."""


class UnreachableError(AlidadeError):
    """The API server, or MLflow, does not answer."""

    exit_code = 6


class WaitTimeoutError(AlidadeError):
    """What was waited for did not come in time."""

    exit_code = 7


class ManifestError(AlidadeError):
    """A manifest is none; the message names document and field."""

    exit_code = 8


class PackingError(AlidadeError):
    """A folder or an archive cannot be sent as a workflow."""

    exit_code = 8


class FolderError(AlidadeError):
    """A folder cannot be made into a workflow's."""

    exit_code = 8


class LogsGoneError(AlidadeError):
    """The logs of a job are nowhere any more."""

    exit_code = 3
