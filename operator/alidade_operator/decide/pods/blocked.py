"""What keeps a released job's pods from running, and for how long: the condition PodBlocked.

Its last transition is when the operator first saw the trouble, on its own clock: stamps of kubelets
and of the API server are of other clocks. A moment in which nothing is wrong ends it, and so does
getting from one stage to the next, as a pod that has found its node and waits for its image.
"""

from datetime import datetime

from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import JobStatus
from alidade_core.api.reason import Reason
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.pods.diagnosis import UNSCHEDULABLE, Pending, Stage

REJECTED = Reason.POD_REJECTED
_PLACING = frozenset({UNSCHEDULABLE, REJECTED})


def note(draft: Draft, pending: Pending) -> None:
    """Write down what keeps a pod from running, or that nothing does."""
    if pending.stage is None:
        draft.unblock()
        return
    before = draft.status.condition(JobCondition.POD_BLOCKED)
    if before and _stage(before.reason) is not pending.stage:
        draft.unblock()
    draft.condition(JobCondition.POD_BLOCKED, True, pending.reason, pending.message)


def since(status: JobStatus) -> datetime | None:
    """Return since when something keeps a pod from running, None where nothing does."""
    condition = status.condition(JobCondition.POD_BLOCKED)
    blocked = condition is not None and condition.status == "True"
    return condition.last_transition_time if condition and blocked else None


def forget(draft: Draft) -> None:
    """Take note that a pod runs: what kept earlier ones from it counts no more."""
    draft.unblock()
    state = draft.status.requeue_state
    if state is not None and state.blocked_since is not None:
        draft.set(requeue_state=state.model_copy(update={"blocked_since": None}))


def enforce_deadline(draft: Draft, pending: Pending) -> None:
    """Fail a job whose pod its node could not start for as long as its queue allows."""
    queue, first, state = draft.snapshot.queue, since(draft.status), draft.status.requeue_state
    if queue is None or first is None or pending.stage is not Stage.STARTING:
        return
    # That others had its place meanwhile makes it no better.
    first = (state and state.blocked_since) or first
    limit = queue.spec.start_deadline_seconds
    if draft.due(first, limit):
        draft.fail(
            pending.reason,
            f"failed: {pending.reason} for {limit} s "
            f"(queue {queue.metadata.name}'s startDeadlineSeconds): {pending.message}",
        )


def _stage(reason: str) -> Stage:
    return Stage.PLACING if reason in _PLACING else Stage.STARTING
