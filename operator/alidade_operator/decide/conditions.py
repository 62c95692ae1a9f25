"""Conditions of a status: set in place, with the time of the last change kept right."""

from collections.abc import Iterable
from datetime import datetime

from alidade_core.api.base import MAX_MESSAGE, Condition
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.reason import Reason


def set_condition(
    conditions: Iterable[Condition],
    kind: str,
    status: bool,
    reason: str,
    message: str = "",
    *,
    now: datetime,
    generation: int | None = None,
) -> tuple[Condition, ...]:
    """Return the conditions with this one set; its transition time moves only with its status."""
    existing = tuple(conditions)
    old = next((c for c in existing if c.type == kind), None)
    word = "True" if status else "False"
    new = Condition(
        type=kind,
        status=word,
        reason=reason,
        message=message[:MAX_MESSAGE],
        last_transition_time=(
            old.last_transition_time if old and old.status == word else now.replace(microsecond=0)
        ),
        observed_generation=generation,
    )
    if old is None:
        return (*existing, new)
    return tuple(new if c.type == kind else c for c in existing)


def read_again(
    conditions: Iterable[Condition], *, now: datetime, generation: int
) -> tuple[Condition, ...]:
    """Return the conditions of what can be read, with that told if it could not be before."""
    existing, kind = tuple(conditions), JobCondition.READABLE
    if all(c.type != kind or c.status == "True" for c in existing):
        return existing
    return set_condition(existing, kind, True, Reason.RESOLVED, now=now, generation=generation)
