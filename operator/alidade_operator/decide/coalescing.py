"""Which changes of a job's status are written at once, and which wait for what follows.

A pod is created, scheduled and started within a moment, and some jobs end in it: each such step
would cost a write, and nobody can read what lasts no longer. What is done has to find its reasons
written down; words that only describe it may follow.
"""

from collections.abc import Iterable

from alidade_core.api.job_status import JobStatus
from alidade_operator.decide.actions import (
    Action,
    ArchiveLog,
    DeleteBatchJob,
    HaveService,
    Inquiry,
    ReadLastLines,
    Suspend,
)

MOMENT_SECONDS = 0.5
"""How long a status may be behind what it tells of."""

# Whoever looks for what is gone has to find why.
_UNDOES = (DeleteBatchJob, Suspend)
# They change nothing that a job rests on.
_ASIDE = (Inquiry, ReadLastLines, ArchiveLog, HaveService)


def at_once(told: JobStatus, known: JobStatus, actions: Iterable[Action]) -> bool:
    """Whether what is known of a job has to be written before anything else is done.

    Args:
        told: Its status as the API server has it.
        known: What that is to be.
        actions: What is to be done.
    """
    if told.state is None or (known.ended and not told.ended):
        return True
    if any(isinstance(action, _UNDOES) for action in actions):
        return True
    acts = any(not isinstance(action, _ASIDE) for action in actions)
    return acts and _facts(told) != _facts(known)


def _facts(status: JobStatus) -> tuple[object, ...]:
    """Leave out the words of a status, and the run, which its pods' annotations name too."""
    words = dict.fromkeys(("reason", "message", "mlflow_run_id", "observed_generation"))
    conditions = {condition.type: condition.status for condition in status.conditions}
    return status.model_copy(update=words | {"conditions": ()}), conditions
