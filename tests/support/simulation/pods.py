"""What controllers ask of a pod."""

from typing import Final

from alidade_operator.kube.gateway import Body
from alidade_operator.objects.well_known import COMPLETION_INDEX

GRACE_SECONDS: Final = 30
TRACKING: Final = "batch.kubernetes.io/job-tracking"
"""The finalizer of a pod that the job controller has not counted yet (KEP-2307)."""


def controller_of(body: Body) -> str | None:
    """Return the UID of the object that an object is a part of, None where there is none."""
    owners = body["metadata"].get("ownerReferences") or ()
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), None)


def deleting(body: Body) -> bool:
    """Say whether an object is being deleted."""
    return "deletionTimestamp" in body["metadata"]


def grace_of(pod: Body, asked: int | None) -> int:
    """Return how long a pod is given to end: once it is being deleted, only ever less."""
    given = pod["metadata"].get("deletionGracePeriodSeconds")
    if given is not None:
        return int(given if asked is None else min(given, asked))
    if not pod["spec"].get("nodeName") or over(pod):
        # There is no kubelet that would have to say that it is gone.
        return 0
    seconds = pod["spec"].get("terminationGracePeriodSeconds", GRACE_SECONDS)
    return int(seconds if asked is None else asked)


def over(pod: Body) -> bool:
    """Say whether a pod has ended for good."""
    return pod["status"]["phase"] in ("Succeeded", "Failed")


def active(pod: Body) -> bool:
    """Say whether a pod is at work, or will be."""
    return not over(pod) and not deleting(pod)


def terminating(pod: Body) -> bool:
    """Say whether a pod is being stopped and has yet to end."""
    return not over(pod) and deleting(pod)


def ready(pod: Body) -> bool:
    """Say whether a pod says that it is ready."""
    conditions = pod["status"].get("conditions", ())
    return any((c["type"], c["status"]) == ("Ready", "True") for c in conditions)


def tracked(pod: Body) -> bool:
    """Say whether a pod has not been counted yet."""
    return TRACKING in pod["metadata"].get("finalizers", ())


def index_of(pod: Body) -> int:
    """Return which of its job's replicas a pod is."""
    return int((pod["metadata"].get("annotations") or {}).get(COMPLETION_INDEX, 0))


def bound(pod: Body, node: str, at: str) -> Body:
    """Return the parts of a pod that are others once it has a node, as the API server writes them.

    Args:
        pod: The pod.
        node: The node.
        at: When it got it.
    """
    told = {"type": "PodScheduled", "status": "True", "lastTransitionTime": at}
    others = [c for c in pod["status"].get("conditions", ()) if c["type"] != told["type"]]
    status = {**pod["status"], "conditions": [*others, told]}
    return {"spec": {**pod["spec"], "nodeName": node}, "status": status}


def first_line_at(pod: Body, container: str) -> str:
    """Return when a container that speaks at once wrote its first line, by its node's clock."""
    (state,) = (c["state"] for c in pod["status"]["containerStatuses"] if c["name"] == container)
    began = next(s["startedAt"] for s in state.values() if "startedAt" in s)
    return f"{began.removesuffix('Z')}.000000001Z"
