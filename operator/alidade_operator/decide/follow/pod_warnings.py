"""What only events tell of pods: that the API server refuses them, or why no node starts them.

A quota, a policy or a PriorityClass that does not exist keeps the job controller from creating a
pod; a volume that cannot be mounted, or the network, keeps a kubelet from starting one. Both try
again for as long as it takes, and tell why in warnings alone: on the batch/v1 Job, and on the pod.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from alidade_core.api.job_condition import JobCondition
from alidade_core.words import shorten
from alidade_operator.decide.actions import ReadWarnings
from alidade_operator.decide.answers import WarningView
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.pods.attempts import latest, newest
from alidade_operator.decide.pods.blocked import REJECTED
from alidade_operator.decide.pods.diagnosis import PREPARED, Pending, Stage
from alidade_operator.objects.views import BatchJob, Pod
from alidade_operator.objects.wire import parse_time

# The job controller creates a pod within moments, and a kubelet starts one unless it pulls.
LOOK_AFTER_SECONDS = 5
READ_AGAIN_SECONDS = 15
# A kubelet tries to mount again after two minutes at the latest; what was longer ago is mended.
RECENT_SECONDS = 150
_FAILED_CREATE = "FailedCreate"
# Nodes warn of much else that keeps no pod from its start: DNSConfigForming, say.
NOT_STARTED = frozenset(
    {
        "FailedAttachVolume",
        "FailedCreatePodSandBox",
        "FailedMapVolume",
        "FailedMount",
        "NetworkNotReady",
    }
)
# The controllers' words, and the name of a pod that never was, which is another each time.
_PREFIX = re.compile(
    r'(\(combined from similar events\): )?(Error creating: (pods "[^"]*" is forbidden: )?)?'
)


def why_rejected(draft: Draft, batch_job: BatchJob) -> Pending | None:
    """Say why pods of a released job are missing, if the API server refuses them.

    It is asked only where pods have been missing for a while.
    """
    pods = draft.snapshot.pods
    suspended = draft.status.condition(JobCondition.SUSPENDED)
    if suspended is None or not _missing(pods, draft.snapshot.job.spec.replicas):
        return None
    released, last = suspended.last_transition_time, newest(pods)
    view = _ask(draft, batch_job.uid, last.created if last else None)
    if view is None or view.at is None or view.seen is None or view.seen < released:
        return None
    # Both are stamps of the control plane, to the second.
    if last and last.created and view.at < last.created - timedelta(seconds=1):
        return None
    message = f"the API server refuses its pods: {view.message}"
    return Pending(REJECTED, message, Stage.PLACING)


def why_not_started(draft: Draft) -> Pending | None:
    """Say what keeps a node from starting a pod, if the node has warned of that lately.

    It is asked only where a pod has been on a node for a while, and its own container is not made.
    """
    stuck = [pod for pod in latest(draft.snapshot.pods) if _is_prepared(pod)]
    pod = min(stuck, key=lambda p: (p.scheduled, p.name), default=None)
    if pod is None or pod.scheduled is None:
        return None
    view = _ask(draft, pod.uid, pod.scheduled)
    recent = draft.snapshot.now - timedelta(seconds=RECENT_SECONDS)
    if view is None or view.seen is None or view.seen < recent:
        return None
    return Pending(view.reason, shorten(f"pod {pod.name}: {view.message}"), Stage.STARTING)


def read(
    warnings: Iterable[Mapping[str, Any]], now: datetime, before: WarningView | None = None
) -> WarningView:
    """Read off the warnings about an object (events.k8s.io/v1) the last that tells what is asked.

    Args:
        warnings: All that there are.
        now: The time.
        before: What was read before, of which it is known when it was first seen.
    """
    view = WarningView(now)
    for event in warnings:
        at = parse_time(
            (event.get("series") or {}).get("lastObservedTime")
            or event.get("eventTime")
            or event.get("deprecatedLastTimestamp")
        )
        reason = event.get("reason") or ""
        tells = reason == _FAILED_CREATE or reason in NOT_STARTED
        if tells and at is not None and (view.at is None or at >= view.at):
            words = _PREFIX.sub("", event.get("note") or "", count=1)
            view = WarningView(now, reason, words, at, seen=now)
    if before is not None and before.at is not None and before.at == view.at:
        return replace(view, seen=before.seen)
    return view


def _ask(draft: Draft, about: str, since: datetime | None) -> WarningView | None:
    """Return the last warning about an object, if there has been time for one.

    Args:
        draft: The plan for the job.
        about: The object's UID.
        since: When the API server did what one waits for since then, None where that is not known.
    """
    suspended = draft.status.condition(JobCondition.SUSPENDED)
    if suspended is None:
        return None
    released = suspended.last_transition_time
    # What is yet to come, or was before the job was released, is by another clock than the
    # operator's, which counts then: it is to ask neither too late nor in vain.
    if since is None or not released <= since <= draft.snapshot.now:
        since = released
    if not draft.due(since, LOOK_AFTER_SECONDS):
        return None
    view = draft.snapshot.warnings.get(about)
    if view is None or draft.due(view.read, READ_AGAIN_SECONDS):
        draft.do(ReadWarnings(about))
    return view


def _missing(pods: Sequence[Pod], replicas: int) -> bool:
    there = {pod.index for pod in pods if pod.phase != "Failed" and not pod.deleting}
    return len(there) < replicas


def _is_prepared(pod: Pod) -> bool:
    waiting = pod.container.waiting if pod.container else None
    there = pod.scheduled is not None and not pod.deleting
    return there and waiting is not None and waiting.reason in PREPARED
