"""Whether queues start jobs, and have nodes to run them on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from alidade.doctor.facts import Facts, Finding
from alidade.doctor.quantity import amount
from alidade_core.api.queue import Flavor, Queue, Resources, StopPolicy, Toleration

Body = dict[str, Any]


def findings(facts: Facts) -> Iterator[Finding]:
    """Yield what is wrong."""
    if facts.queues is not None and not facts.queues:
        yield Finding(
            f"there is no queue in namespace {facts.namespace}",
            "apply one, or ask who has the role alidade-queue-owner",
        )
    for queue in facts.queues or ():
        yield from _standing(queue)
        if facts.nodes is not None and queue.spec.kueue_local_queue is None:
            yield from _pools(queue, facts.nodes)


def _standing(queue: Queue) -> Iterator[Finding]:
    name = queue.metadata.name
    if queue.spec.stop_policy is not StopPolicy.NONE:
        yield Finding(
            f"queue '{name}' starts no jobs: its stopPolicy is {queue.spec.stop_policy}",
            "set stopPolicy to None when that is over",
        )
    elif queue.spec.max_running == 0:
        yield Finding(f"queue '{name}' starts no jobs: its maxRunning is 0", "raise maxRunning")
    for kind in ("Valid", "Readable"):
        condition = queue.status.condition(kind)
        if condition is not None and condition.status == "False":
            yield Finding(f"queue '{name}' is at fault: {condition.message}", "mend the queue")


def _pools(queue: Queue, nodes: Sequence[Body]) -> Iterator[Finding]:
    flavors: Sequence[Flavor | None] = queue.spec.flavors or (None,)
    for flavor in flavors:
        name = f"queue '{queue.metadata.name}'" + (f", flavor '{flavor.name}'," if flavor else "")
        selector = {**queue.spec.node_selector, **(flavor.node_selector if flavor else {})}
        tolerations = (*queue.spec.tolerations, *(flavor.tolerations if flavor else ()))
        resources = (flavor.resources if flavor else None) or queue.spec.resources
        fault = _why_none(nodes, selector, tolerations, resources)
        if fault is not None:
            yield Finding(f"{name} has no node to run on: {fault[0]}", fault[1])


def _why_none(
    nodes: Sequence[Body],
    selector: Mapping[str, str],
    tolerations: Iterable[Toleration],
    resources: Resources,
) -> tuple[str, str] | None:
    """Say at which step the last of the nodes is out, and what to do; None if one is left."""
    labelled = [n for n in nodes if selector.items() <= n["metadata"].get("labels", {}).items()]
    if not labelled:
        wanted = ",".join(f"{key}={value}" for key, value in selector.items())
        return (
            f"none has the labels {wanted}" if wanted else "the cluster has none",
            f"kubectl label node NAME {wanted.replace(',', ' ')}" if wanted else "add a node",
        )
    open_ones = [n for n in labelled if not n.get("spec", {}).get("unschedulable")]
    if not open_ones:
        return f"{_names(labelled)} cordoned", "kubectl uncordon NAME"
    known = list(tolerations)
    tolerated = [n for n in open_ones if not _untolerated(n, known)]
    if not tolerated:
        taint = _untolerated(open_ones[0], known)
        return (
            f"{_names(open_ones)} tainted with {taint}",
            "give the queue a toleration, or see to the nodes",
        )
    asked = {**(resources.limits or {}), **(resources.requests or {})}
    short = [_short_of(n, asked) for n in tolerated]
    if all(short):
        return f"none of {len(tolerated)} has {short[0]}", "ask for less, or add a larger node"
    return None


def _names(nodes: Sequence[Body]) -> str:
    names = ", ".join(n["metadata"]["name"] for n in nodes)
    return f"{names} {'is' if len(nodes) == 1 else 'are'}"


def _untolerated(node: Body, tolerations: Iterable[Toleration]) -> str | None:
    for taint in node.get("spec", {}).get("taints", ()):
        if taint["effect"] == "PreferNoSchedule":
            continue
        if not any(_tolerates(each, taint) for each in tolerations):
            return f"{taint['key']}={taint.get('value', '')}:{taint['effect']}"
    return None


def _tolerates(toleration: Toleration, taint: Body) -> bool:
    """Say whether a toleration fits a taint, as Kubernetes has it (core/v1)."""
    if toleration.effect and toleration.effect != taint["effect"]:
        return False
    if toleration.operator == "Exists":
        return not toleration.key or toleration.key == taint["key"]
    asked = (toleration.key, toleration.value or "")
    return asked == (taint["key"], taint.get("value", ""))


def _short_of(node: Body, asked: Mapping[str, str | int]) -> str | None:
    status = node.get("status", {})
    there = status.get("allocatable") or status.get("capacity") or {}
    for name, wanted in asked.items():
        if amount(there.get(name, 0)) < amount(wanted):
            return f"{name}: {wanted}"
    return None
