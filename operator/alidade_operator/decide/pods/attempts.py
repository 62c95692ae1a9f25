"""A job's pods as attempts at it: one after another, and of several replicas side by side."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from alidade_core.api.job_status import Fate
from alidade_core.contract import PEER_LOST
from alidade_operator.decide.pods.fate import fate
from alidade_operator.objects.views import Pod


def age(pod: Pod) -> tuple[bool, datetime | None, str]:
    """Return what pods are sorted by, from the first to be created to the last."""
    return (pod.created is not None, pod.created, pod.name)


def newest(pods: Sequence[Pod]) -> Pod | None:
    """Return the last attempt."""
    return max(pods, key=age, default=None)


def latest(pods: Sequence[Pod]) -> list[Pod]:
    """Return the last attempt of each replica, in the order of their indices."""
    last = {pod.index: pod for pod in sorted(pods, key=age)}
    return sorted(last.values(), key=lambda pod: pod.index or 0)


def count_attempts(pods: Sequence[Pod]) -> int:
    """Return how often a job was tried: the most pods that one of its replicas had."""
    return max(Counter(pod.index for pod in pods).values(), default=0)


def first_failed(pods: Sequence[Pod]) -> Pod | None:
    """Return the one of these failed pods that brought the others down.

    Of the last attempts of all replicas it is the one that ended first. Those that say that they
    lost a peer, and those that were deleted, ended for another's end, and count only where nothing
    else is left to tell. Ends are known to the second, by the clocks of their nodes, of which only
    some shows that are behind.
    """

    def order(pod: Pod) -> tuple[object, ...]:
        lost, ended_otherwise = pod.exit_code == PEER_LOST, fate(pod) is not Fate.FAILED
        deleted = pod.deleting and ended_otherwise
        return (deleted, lost, ended_otherwise, pod.ended_at is None, pod.ended_at, pod.index)

    return min(latest(pods), key=order, default=None)
