"""A job of which no pod can run gives its place in the queue back to those that wait for one.

No node can take it, or the API server refuses its pods, as for a quota or a policy; or the node
that has its pod cannot start it, as its image, a volume or a variable is not there.

It does so after the queue's placementTimeoutSeconds in the last flavor, and if somebody waits: else
it stays, as nobody is helped and its pods would only be made anew. Then it stands behind all others
for a minute, the next time for two, and so on up to an hour, and asks again like any other.
"""

from datetime import datetime, timedelta

from alidade_core.api.job_status import RequeueState
from alidade_core.api.queue import Queue
from alidade_core.api.reason import Reason
from alidade_core.words import shorten
from alidade_operator.decide import refused
from alidade_operator.decide.actions import Suspend
from alidade_operator.decide.admission import flavors
from alidade_operator.decide.admitted import NotYet
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.make.release import suspend_patch
from alidade_operator.decide.pods import blocked
from alidade_operator.decide.pods.diagnosis import Pending, Stage
from alidade_operator.objects.views import BatchJob

TIMEOUT = Reason.PLACEMENT_TIMEOUT
FIRST_PAUSE_SECONDS = 60
LONGEST_PAUSE_SECONDS = 3600
# Who comes and waits wakes none of those that hold a place.
LOOK_AGAIN = timedelta(seconds=5)
MAX_MESSAGE = 512


def give_back(draft: Draft, batch_job: BatchJob, pending: Pending) -> None:
    """Give the place back, if no pod could be placed or started for too long and somebody waits."""
    snapshot, queue, first = draft.snapshot, draft.snapshot.queue, blocked.since(draft.status)
    if first is None or pending.stage is None or draft.status.ended:
        return
    if queue is None or queue.spec.max_running is None or batch_job.local_queue:
        # There are no places, or Kueue's.
        return
    if _may_yet_do(draft, batch_job, queue, pending):
        return
    if not draft.due(first, queue.spec.placement_timeout_seconds):
        return
    if not snapshot.contested:
        draft.wake(LOOK_AGAIN)
        return
    _suspend(draft, batch_job, queue, pending)


def _may_yet_do(draft: Draft, batch_job: BatchJob, queue: Queue, pending: Pending) -> bool:
    pods = [pod for pod in draft.snapshot.pods if not pod.over]
    if pending.stage is Stage.STARTING:
        # Others of several replicas wait for the one that cannot start.
        return any(pod.ran for pod in pods)
    another_flavor = flavors.following(queue, batch_job.flavor) is not None
    return (draft.status.start_time is None and another_flavor) or any(pod.node for pod in pods)


def why_not_yet(draft: Draft, place: NotYet) -> tuple[str, str]:
    """Say why a job waits for its turn, as long as that is for having given its place back."""
    state = draft.status.requeue_state
    if state is None or place.reason != Reason.QUEUE_FULL or state.requeue_at <= draft.snapshot.now:
        return place.reason, place.message
    draft.wake(state.requeue_at - draft.snapshot.now)
    return (
        TIMEOUT,
        f"no pod of it could run, and it stands behind all others until {_clock(state)}: "
        f"{place.message}; {state.message}",
    )


def _suspend(draft: Draft, batch_job: BatchJob, queue: Queue, pending: Pending) -> None:
    name, limit = queue.metadata.name, queue.spec.placement_timeout_seconds
    what = "started" if pending.stage is Stage.STARTING else "placed"
    why = f"no pod {what} for {limit} s (queue {name}'s placementTimeoutSeconds)"
    state, refusal = draft.status.requeue_state, refused.why_it_runs_on(draft)
    if refusal is None or state is None or state.requeue_at <= draft.snapshot.now:
        starting = blocked.since(draft.status) if pending.stage is Stage.STARTING else None
        state = _again(state, draft.snapshot.now, pending.said, starting)
        draft.set(requeue_state=state)
    if refusal is None:
        draft.queue(
            TIMEOUT,
            f"{why}: gives its place back, and stands behind all others until {_clock(state)}; "
            f"{pending.said}",
        )
    else:
        # What blocks its pods goes on, or this would be wanted now and then only.
        text = f"keeps its place, though it is to give it back: {why}: {refusal}"
        draft.run(Reason.REQUEST_REFUSED, text)
    if draft.status.start_time is None:
        # The first flavor may have a node by now.
        draft.set(flavor=flavors.current(queue, None))
    if not flavors.leave(draft, batch_job):
        draft.do(Suspend(suspend_patch(batch_job)))


def _again(
    before: RequeueState | None, now: datetime, words: str, starting: datetime | None
) -> RequeueState:
    count = before.count + 1 if before else 1
    pause = min(FIRST_PAUSE_SECONDS * 2 ** min(count - 1, 16), LONGEST_PAUSE_SECONDS)
    return RequeueState(
        count=count,
        requeue_at=now.replace(microsecond=0) + timedelta(seconds=pause),
        message=shorten(words, MAX_MESSAGE),
        blocked_since=(before and before.blocked_since) or starting,
    )


def _clock(state: RequeueState) -> str:
    return f"{state.requeue_at:%H:%M:%S} UTC"
