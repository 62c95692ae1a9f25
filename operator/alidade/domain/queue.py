"""What a queue's status says: how many jobs it runs, and how many wait for it alone."""

from datetime import datetime

from alidade.api.queue import Queue, QueueStatus, StopPolicy
from alidade.api.reason import Reason
from alidade.domain.conditions import set_condition


def queue_status(queue: Queue, running: int, queued: int, now: datetime) -> QueueStatus:
    """Return the status of a queue.

    Args:
        queue: The queue as last read.
        running: How many jobs hold a place in it.
        queued: How many jobs wait for nothing but a place.
        now: The time.
    """
    policy = queue.spec.stop_policy
    active = policy is StopPolicy.NONE
    return QueueStatus(
        queued=queued,
        running=running,
        conditions=set_condition(
            queue.status.conditions,
            "Active",
            active,
            Reason.READY if active else Reason.HELD,
            "starts jobs" if active else f"starts no jobs: stopPolicy is {policy}",
            now=now,
            generation=queue.metadata.generation,
        ),
        observed_generation=queue.metadata.generation,
    )
