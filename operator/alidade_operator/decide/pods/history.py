"""What became of each attempt at a job, kept when its pod is gone."""

from collections.abc import Sequence
from typing import Any

from alidade_core.api.job_status import MAX_ATTEMPTS, Attempt, Fate
from alidade_core.api.reason import Reason
from alidade_core.words import shorten
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.pods.attempts import age
from alidade_operator.decide.pods.failure import why_pod_failed, why_stopped
from alidade_operator.decide.pods.fate import being_stopped, fate
from alidade_operator.objects.views import Pod

# A status is one object in etcd, which takes some 1.5 MB.
MAX_MESSAGE = 200
FIRST = 5
LAST = MAX_ATTEMPTS - FIRST
"""How many attempts are kept, of those that began first and of those that came last."""


def note_attempts(draft: Draft) -> None:
    """Write down the attempts at a job, with how each ended as far as that was seen."""
    noted, snapshot = draft.status.attempts, draft.snapshot
    there = {p.name: p for p in (*snapshot.gone, *snapshot.pods, *snapshot.orphans) if not p.index}
    fresh = [_told(pod) for pod in _fresh(draft, sorted(there.values(), key=age))]
    known = [*(_brought_up(attempt, there.get(attempt.pod)) for attempt in noted), *fresh]
    gone = there.keys() - {pod.name for pod in (*snapshot.pods, *snapshot.orphans)}
    attempts = [_unseen(attempt) if attempt.pod in gone else attempt for attempt in known]
    before = max(draft.status.attempt_count, len(noted))
    draft.set(attempts=_bounded(attempts), attempt_count=before + len(fresh))


def _fresh(draft: Draft, there: Sequence[Pod]) -> list[Pod]:
    """Return the pods that have run, or were to, and are not written down yet."""
    noted = draft.status.attempts
    known = {attempt.pod for attempt in noted}
    if draft.status.attempt_count > len(noted):
        # Of those left out none is taken for a new one.
        last = max((n for n, pod in enumerate(there) if pod.name in known), default=-1)
        there = there[last + 1 :]
    ours = draft.snapshot.batch_job.uid if draft.snapshot.batch_job else None
    begun = (pod for pod in there if pod.owner_uid == ours and (pod.started or pod.ended))
    return [pod for pod in begun if pod.name not in known]


def _bounded(attempts: Sequence[Attempt]) -> tuple[Attempt, ...]:
    if len(attempts) <= FIRST + LAST:
        return tuple(attempts)
    return (*attempts[:FIRST], *attempts[-LAST:])


def _brought_up(attempt: Attempt, pod: Pod | None) -> Attempt:
    return _unseen(attempt) if pod is None else _told(pod)


def _unseen(attempt: Attempt) -> Attempt:
    """Say of an attempt whose pod is gone that nobody saw its end, if nobody did."""
    if attempt.reason is not None:
        return attempt
    return attempt.model_copy(
        update={"reason": Reason.UNKNOWN, "message": "was gone before its end was seen"}
    )


def _told(pod: Pod) -> Attempt:
    image = pod.container.image_id if pod.container else ""
    attempt = Attempt(pod=pod.name, node=pod.node, image_id=image or None, start_time=pod.started)
    return attempt.model_copy(update=_end(pod))


def _end(pod: Pod) -> dict[str, Any]:
    became = fate(pod)
    if became is Fate.SUCCEEDED:
        end: dict[str, Any] = {"reason": Reason.COMPLETED, "message": "ended well", "exit_code": 0}
    elif became is not None:
        cause = why_pod_failed(pod)
        message = shorten(cause.message, MAX_MESSAGE)
        end = {"reason": cause.reason, "message": message, "exit_code": cause.exit_code}
    elif being_stopped(pod):
        # Its end may never be seen: it is gone a moment after that.
        cause = why_stopped(pod)
        message = shorten(cause.message, MAX_MESSAGE)
        return {"reason": cause.reason, "message": message, "fate": Fate.STOPPED}
    else:
        return {}
    return {**end, "completion_time": pod.finished, "fate": became}
