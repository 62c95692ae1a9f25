"""How long a release took, by the API server's own clock: from its audit log."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tests.support.audit import Request

_CONTROLLER = "system:serviceaccount:kube-system:job-controller"
Pair = tuple[str, str]
"""A job, and one that waits for its end."""


class Moments(NamedTuple):
    """When jobs of a namespace ended, and when they were let run, in seconds.

    Attributes:
        ended: When the job controller last wrote the status of a batch/v1 Job: that it is complete.
        released: When it was last changed but for its status, which is how suspended ones are
            let run.
    """

    ended: Mapping[str, float]
    released: Mapping[str, float]

    def between(self, pairs: Iterable[Pair]) -> list[float]:
        """Return how long after the end of one the other was let run, for each pair."""
        return [self.released[child] - self.ended[parent] for parent, child in pairs]


def moments(requests: Sequence[Request], namespace: str) -> Moments:
    """Read the moments of a namespace off what was asked."""
    here = [r for r in requests if r.namespace == namespace and r.code < 300]
    ended = {
        r.name: r.ended for r in here if r.user == _CONTROLLER and r.resource == "jobs.batch/status"
    }
    released = {r.name: r.ended for r in here if r.key == ("patch", "jobs.batch")}
    return Moments(ended, released)
