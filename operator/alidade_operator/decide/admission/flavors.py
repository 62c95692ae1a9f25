"""The node pools of a queue in the order in which they are tried.

As Kueue has it (flavorFungibility), a job goes to the first flavor. If no pod can be placed there,
as no node is free or a quota refuses it, for as long as the flavor says, the job's batch/v1 Job is
made anew for the next one; in the last it waits, or gives its place in the queue back and begins
with the first again. A job of which a pod has run stays where it is.
"""

from alidade_core.api.queue import Flavor, Queue
from alidade_core.api.reason import Reason
from alidade_operator.decide.actions import DeleteBatchJob
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.pods import blocked
from alidade_operator.decide.pods.diagnosis import Pending, Stage
from alidade_operator.objects.views import BatchJob

FALLBACK = Reason.FLAVOR_FALLBACK


def current(queue: Queue, name: str | None) -> str | None:
    """Return the name of the flavor that a job is for: its own if there still is one, or the first.

    None where the queue has no flavors.
    """
    flavors = queue.spec.flavors
    known = [flavor.name for flavor in flavors]
    return name if name in known else next(iter(known), None)


def in_flavor(queue: Queue, name: str | None) -> Queue:
    """Return the queue as jobs of one flavor see it."""
    flavor = _named(queue, name)
    if flavor is None:
        return queue
    spec = queue.spec
    return queue.model_copy(
        update={
            "spec": spec.model_copy(
                update={
                    "node_selector": {**spec.node_selector, **flavor.node_selector},
                    "tolerations": (*spec.tolerations, *flavor.tolerations),
                    "resources": flavor.resources or spec.resources,
                }
            )
        }
    )


def leave(draft: Draft, batch_job: BatchJob) -> bool:
    """See that a batch/v1 Job of another flavor than the job's goes; return whether it has to."""
    wanted, left = draft.status.flavor, batch_job.flavor
    if wanted is None or left in (None, wanted) or draft.status.start_time:
        return False
    # While it goes, batch/v1 may count the pods that go with it as failed.
    if batch_job.complete or (batch_job.ended and not batch_job.deleting):
        return False
    reason, message = draft.status.reason, draft.status.message
    if reason in (FALLBACK, Reason.PLACEMENT_TIMEOUT):
        draft.queue(reason, message or "")
    else:
        draft.queue(FALLBACK, f"goes from flavor {left} to {wanted}")
    if not batch_job.deleting:
        draft.do(DeleteBatchJob(batch_job.uid, batch_job.resource_version, foreground=True))
    return True


def fall_back(draft: Draft, batch_job: BatchJob, pending: Pending) -> None:
    """Give up a flavor in which no pod has been placed for too long, if there is another."""
    queue, flavor = draft.snapshot.queue, batch_job.flavor
    if queue is None or pending.stage is not Stage.PLACING or draft.status.start_time:
        return
    here, other = _named(queue, flavor), following(queue, flavor)
    first = blocked.since(draft.status)
    if here is None or other is None or first is None:
        return
    limit = here.fallback_after_seconds
    if not draft.due(first, limit):
        return
    draft.set(flavor=other.name)
    draft.queue(
        FALLBACK,
        f"no pod placed in flavor {here.name} for {limit} s; tries flavor {other.name}; "
        f"{pending.said}",
    )
    leave(draft, batch_job)


def following(queue: Queue, name: str | None) -> Flavor | None:
    """Return the flavor that is tried after one, None where that is the last."""
    flavors = queue.spec.flavors
    at = next((number for number, flavor in enumerate(flavors) if flavor.name == name), None)
    return None if at is None or at + 1 == len(flavors) else flavors[at + 1]


def _named(queue: Queue, name: str | None) -> Flavor | None:
    return next((flavor for flavor in queue.spec.flavors if flavor.name == name), None)
