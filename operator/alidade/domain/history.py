"""What became of each attempt at a job, kept when its pod is gone."""

from alidade.api.job import Attempt
from alidade.api.reason import Reason
from alidade.domain.attempts import age
from alidade.domain.diagnosis import why_pod_failed
from alidade.domain.draft import Draft
from alidade.domain.observed import Pod
from alidade.domain.parallel import ended_well
from alidade.domain.words import shorten

# There may be hundreds of attempts, all in one status.
MAX_MESSAGE = 200


def note_attempts(draft: Draft) -> None:
    """Write down the attempts at a job, with how each ended as far as that was seen."""
    noted = draft.status.attempts
    pods = (*draft.snapshot.pods, *draft.snapshot.strays)
    there = {pod.name: pod for pod in pods if not pod.index}
    ours = draft.snapshot.backing.uid if draft.snapshot.backing else None
    fresh = [
        pod
        for pod in sorted(there.values(), key=age)
        if pod.owner_uid == ours and (pod.started or pod.ended)
    ]
    known = {attempt.pod for attempt in noted}
    draft.set(
        attempts=(
            *(_brought_up(attempt, there.get(attempt.pod)) for attempt in noted),
            *(_told(pod) for pod in fresh if pod.name not in known),
        )
    )


def _brought_up(attempt: Attempt, pod: Pod | None) -> Attempt:
    if pod is not None:
        return _told(pod)
    if attempt.reason is not None:
        return attempt
    return attempt.model_copy(
        update={"reason": Reason.UNKNOWN, "message": "was gone before its end was seen"}
    )


def _told(pod: Pod) -> Attempt:
    attempt = Attempt(pod=pod.name, node=pod.node, start_time=pod.started)
    if not pod.ended:
        return attempt
    if ended_well(pod):
        end = {"reason": Reason.COMPLETED, "message": "ended well", "exit_code": 0}
    else:
        cause = why_pod_failed(pod)
        message = shorten(cause.message, MAX_MESSAGE)
        end = {"reason": cause.reason, "message": message, "exit_code": cause.exit_code}
    return attempt.model_copy(update={"completion_time": pod.finished, **end})
