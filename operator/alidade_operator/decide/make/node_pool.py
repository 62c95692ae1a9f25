"""What of a pod template is not the job's to say: the queue's nodes and their scarce resources.

A queue is a pool that its owner shares out, and its jobsMayOverride says what a job's podTemplate
may have otherwise. Of the rest the queue's values stand, and the fields that gave way are named.
What is no pod template at all is left for the API server to refuse.
"""

from collections.abc import Callable, Mapping
from typing import Any

from alidade_core.api.queue import Override, Queue
from alidade_operator.objects.well_known import WORKER

Amounts = Mapping[str, Mapping[str, Any]]
"""The requests and the limits of a ResourceRequirements, each by resource."""
_Standing = Callable[[str, str, Amounts], Any]

_KINDS = ("requests", "limits")
# Of these each node has its share; what else there is, is counted by those who share it out.
_COMMON = {"cpu": Override.CPU, "memory": Override.MEMORY, "ephemeral-storage": None}
_WHOLE = (
    ("nodeName", Override.NODES),
    ("schedulerName", Override.NODES),
    ("runtimeClassName", Override.TOLERATIONS),
    ("resourceClaims", Override.EXTENDED_RESOURCES),
)


def enforce(spec: dict[str, Any], queue: Queue) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the spec of a pod as its queue allows it, and the fields that gave way.

    Args:
        spec: What the queue and the job's podTemplate say together.
        queue: The queue, as jobs of one flavor see it.
    """
    rule = _Rule(queue)
    return rule.applied(spec), tuple(rule.gave_way)


class _Rule:
    """A queue's say in one pod template."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue.spec
        self._settled = frozenset(Override) - frozenset(queue.spec.jobs_may_override)
        self.gave_way: list[str] = []

    def applied(self, spec: dict[str, Any]) -> dict[str, Any]:
        spec = {**spec, **self._selector(spec), **self._tolerations(spec)}
        for field, override in _WHOLE:
            if override in self._settled:
                spec = self._without(spec, field, field)
        for field in ("initContainers", "containers"):
            if isinstance(spec.get(field), list):
                spec[field] = [self._container(field, found) for found in spec[field]]
        # Of the pod as a whole the queue says nothing.
        return self._with_resources("resources", spec, lambda *_: None)

    def _selector(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        asked, stands = spec.get("nodeSelector") or {}, self._queue.node_selector
        if Override.NODES not in self._settled or not isinstance(asked, dict):
            return {}
        self.gave_way += [f"nodeSelector['{k}']" for k, v in stands.items() if asked.get(k, v) != v]
        return {"nodeSelector": {**asked, **stands}}

    def _tolerations(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        asked = spec.get("tolerations") or []
        if Override.TOLERATIONS not in self._settled or not isinstance(asked, list):
            return {}
        stands = [toleration.dump() for toleration in self._queue.tolerations]
        if any(toleration not in stands for toleration in asked):
            self.gave_way.append("tolerations")
        return {"tolerations": stands}

    def _container(self, field: str, container: Any) -> Any:
        if not isinstance(container, dict):
            return container
        own = field == "containers" and container.get("name") == WORKER
        where = f"{field}['{container.get('name')}'].resources"
        if own and container.get("resources") is None:
            container = {**container, "resources": {}}
        return self._with_resources(where, container, self._of_the_queue if own else _beside)

    def _of_the_queue(self, kind: str, name: str, _: Amounts) -> Any:
        amounts = getattr(self._queue.resources, kind)
        return amounts.get(name) if amounts else None

    def _with_resources(self, where: str, of: dict[str, Any], stands: _Standing) -> dict[str, Any]:
        asked = of.get("resources")
        if not isinstance(asked, dict):
            return of
        given = {kind: asked.get(kind) or {} for kind in _KINDS}
        if not all(isinstance(amounts, dict) for amounts in given.values()):
            return of
        mine = (getattr(self._queue.resources, kind) or {} for kind in _KINDS)
        names = dict.fromkeys(name for amounts in (*given.values(), *mine) for name in amounts)
        kept = {kind: self._amounts(where, kind, names, given, stands) for kind in _KINDS}
        rest = asked
        if Override.EXTENDED_RESOURCES in self._settled:
            rest = self._without(asked, "claims", f"{where}.claims")
        others = {field: value for field, value in rest.items() if field not in _KINDS}
        return {**of, "resources": {**others, **{k: a for k, a in kept.items() if a}}}

    def _amounts(
        self, where: str, kind: str, names: Mapping[str, None], given: Amounts, stands: _Standing
    ) -> dict[str, Any]:
        amounts = {}
        for name in names:
            asked = value = given[kind].get(name)
            if _COMMON.get(name, Override.EXTENDED_RESOURCES) in self._settled:
                value = stands(kind, name, given)
            if asked is not None and str(value) != str(asked):
                self.gave_way.append(f"{where}.{kind}['{name}']")
            if value is not None:
                amounts[name] = value
        return amounts

    def _without(self, of: dict[str, Any], field: str, path: str) -> dict[str, Any]:
        if of.get(field):
            self.gave_way.append(path)
        return {name: value for name, value in of.items() if name != field}


def _beside(kind: str, name: str, given: Amounts) -> Any:
    """Return what another container than the job's own may have of what the queue has settled.

    A limit harms nobody; but what is not requested is requested by its limit.
    """
    if name not in _COMMON:
        return None
    limit = given["limits"].get(name)
    if kind == "limits":
        return limit
    return None if limit is None and name not in given["requests"] else "0"
