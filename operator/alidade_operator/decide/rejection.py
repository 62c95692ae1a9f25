"""What the API server refused of what a job needs, and when it is tried again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from alidade_core.api.job import Job
from alidade_core.words import beginning
from alidade_operator.decide import refusal


@dataclass(frozen=True)
class Rejection:
    """The API server's refusal of something that a job needs.

    Attributes:
        reason: Why, in one word.
        message: Why, in the API server's words.
        final: Whether it can never be taken.
        at: When it was refused.
        tries: How often in a row.
        pause: Seconds after which it is tried again.
        short: Whether it is for want of room for batch/v1 Jobs in a quota.
        fields: Paths of what the API server itself finds wrong in the object.
        of: What tells that object from others, of a final refusal.
    """

    reason: str
    message: str
    final: bool
    at: datetime
    tries: int = 1
    pause: float = refusal.FIRST_PAUSE_SECONDS
    short: bool = False
    fields: tuple[str, ...] = ()
    of: str = ""

    @classmethod
    def next(
        cls, before: Self | None, reason: str, message: str, at: datetime, **more: Any
    ) -> Self:
        """Return a refusal that follows another of the same; the pause before a new try grows.

        Args:
            before: The refusal before it, None where there was none.
            reason: Why, in one word.
            message: Why, in the API server's words.
            at: When it was refused.
            more: Other attributes; by default it is not final.
        """
        tries = before.tries + 1 if before else 1
        known = {"final": False, "pause": refusal.pause(tries), **more}
        return cls(reason, beginning(message), at=at, tries=tries, **known)


@dataclass(frozen=True)
class Refused:
    """A job that a quota refused its batch/v1 Job when its turn had come.

    Attributes:
        job: The job.
        at: When that was last.
        through_kueue: Whether Kueue is to say when it runs.
    """

    job: Job
    at: datetime
    through_kueue: bool = False
