"""Whose a fault in a batch/v1 Job is: the job's own, or its queue's, which is to fail no job.

The API server names the fields that it finds wrong. A queue's value in one is at fault if the job
says nothing there: what both have a part in is the job's, which no other job is to pay for.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from alidade_core.api.queue import Override, Queue, Resources

_TOLERATION = re.compile(r"tolerations\[(\d+)\]")
_RESOURCE = re.compile(r"containers\[(\d+)\]\.resources\.(?:requests|limits)\[(.+)\]")
_POD = "spec.template.spec."


def without_its_say(queue: Queue) -> Queue:
    """Return a queue of which nothing is in a job's pods, so that all there is is the job's."""
    nothing = {
        "node_selector": {},
        "tolerations": (),
        "resources": Resources(),
        "jobs_may_override": tuple(Override),
    }
    return queue.model_copy(update={"spec": queue.spec.model_copy(update=nothing)})


def is_the_queues(
    fields: Iterable[str], manifest: Mapping[str, Any], alone: Mapping[str, Any]
) -> bool:
    """Whether all that is wrong with a batch/v1 Job came from its queue.

    Args:
        fields: Paths of what is wrong, in the API server's words.
        manifest: The batch/v1 Job.
        alone: What it would be without its queue's say.
    """
    paths = tuple(fields)
    whole, own = _pod(manifest), _pod(alone)
    return bool(paths) and all(
        path.startswith(_POD) and _came_with_the_queue(path.removeprefix(_POD), whole, own)
        for path in paths
    )


def _came_with_the_queue(path: str, whole: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    if path.startswith("nodeSelector"):
        return not own.get("nodeSelector")
    if found := _TOLERATION.match(path):
        return whole["tolerations"][int(found[1])] not in (own.get("tolerations") or ())
    if found := _RESOURCE.match(path):
        container, name = own["containers"][int(found[1])], found[2]
        resources = container.get("resources") or {}
        return not any(name in (resources.get(kind) or {}) for kind in ("requests", "limits"))
    return False


def _pod(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    spec: Mapping[str, Any] = manifest["spec"]["template"]["spec"]
    return spec
