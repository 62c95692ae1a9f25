"""Pods that the API server refuses: for a quota, a policy, a PriorityClass that does not exist.

The job controller tries again for as long as it takes, and tells why only in events on the
batch/v1 Job: with reason FailedCreate, and the API server's words in the note.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from alidade.domain.actions import ReadPodRejection
from alidade.domain.attempts import newest
from alidade.domain.diagnosis import Pending
from alidade.domain.draft import Draft
from alidade.domain.observed import BackingJob, Pod, parse_time
from alidade.domain.snapshot import PodRejectionView

REJECTED = "PodRejected"
EVENT_REASON = "FailedCreate"
# The job controller creates a pod within moments.
LOOK_AFTER_SECONDS = 5
READ_AGAIN_SECONDS = 15
# The controller's words, and the name of a pod that never was, which is another each time.
_PREFIX = re.compile(
    r'(\(combined from similar events\): )?Error creating: (pods "[^"]*" is forbidden: )?'
)


def why_rejected(draft: Draft, backing: BackingJob) -> Pending | None:
    """Say why pods of a released job are missing, if the API server refuses them.

    It is asked only where pods have been missing for a while.
    """
    pods = draft.snapshot.pods
    suspended = draft.status.condition("Suspended")
    if suspended is None or not _missing(pods, draft.snapshot.job.spec.replicas):
        return None
    released, last = suspended.last_transition_time, newest(pods)
    since = max(released, last.created) if last and last.created else released
    if not draft.due(since, LOOK_AFTER_SECONDS):
        return None
    view = draft.snapshot.pod_rejection
    if view is None or draft.due(view.read, READ_AGAIN_SECONDS):
        draft.do(ReadPodRejection(backing.uid))
    if view is None or view.at is None or view.at < since - timedelta(seconds=1):
        return None
    return Pending(REJECTED, f"the API server refuses its pods: {view.message}")


def read(events: Iterable[Mapping[str, Any]], now: datetime) -> PodRejectionView:
    """Read off the events on a batch/v1 Job (events.k8s.io/v1) why its pods were last refused."""
    last, words = None, ""
    for event in events:
        at = parse_time(
            (event.get("series") or {}).get("lastObservedTime")
            or event.get("eventTime")
            or event.get("deprecatedLastTimestamp")
        )
        if at is not None and (last is None or at >= last):
            last, words = at, event.get("note") or ""
    return PodRejectionView(now, _PREFIX.sub("", words, count=1), last)


def _missing(pods: Sequence[Pod], replicas: int) -> bool:
    there = {pod.index for pod in pods if pod.phase != "Failed" and not pod.deleting}
    return len(there) < replicas
