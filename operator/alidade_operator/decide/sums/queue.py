"""What a queue's status says: how many jobs it runs, and how many wait for it alone."""

from datetime import datetime

from alidade_core.api.queue import Queue, QueueStatus, StopPolicy
from alidade_core.api.reason import Reason
from alidade_operator.decide.conditions import read_again, set_condition

VALID = "Valid"


def queue_status(
    queue: Queue, running: int, queued: int, now: datetime, fault: str | None = None
) -> QueueStatus:
    """Return the status of a queue.

    Args:
        queue: The queue as last read.
        running: How many jobs hold a place in it.
        queued: How many jobs wait for nothing but a place.
        now: The time.
        fault: What is wrong with it in itself, as its jobs found out; None where nothing is.
    """
    policy = queue.spec.stop_policy
    active = policy is StopPolicy.NONE
    conditions = read_again(queue.status.conditions, now=now, generation=queue.metadata.generation)
    conditions = set_condition(
        conditions,
        "Active",
        active,
        Reason.READY if active else Reason.HELD,
        "starts jobs" if active else f"starts no jobs: stopPolicy is {policy}",
        now=now,
        generation=queue.metadata.generation,
    )
    if fault is not None or queue.status.condition(VALID):
        conditions = set_condition(
            conditions,
            VALID,
            fault is None,
            Reason.RESOLVED if fault is None else Reason.QUEUE_INVALID,
            fault or "",
            now=now,
            generation=queue.metadata.generation,
        )
    return QueueStatus(
        queued=queued,
        running=running,
        conditions=conditions,
        observed_generation=queue.metadata.generation,
    )
