"""Whether there is a place for a job in its queue."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Admitted:
    """There is a place for the job now."""


@dataclass(frozen=True)
class NotYet:
    """The job has to wait for its turn."""

    reason: str
    message: str


Place = Admitted | NotYet
