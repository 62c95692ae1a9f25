"""What a batch/v1 Job's podFailurePolicy makes of a failed pod, as the job controller reads it."""

from collections.abc import Iterator
from typing import Literal

from alidade_operator.kube.gateway import Body

Verdict = Literal["Count", "Ignore", "FailJob"]


def verdict(job: Body, pod: Body) -> tuple[Verdict, str]:
    """Return what a pod's failure is to its job, and for FailJob in which words."""
    for number, rule in enumerate(job["spec"].get("podFailurePolicy", {}).get("rules", ())):
        for found in _matches(rule, pod):
            words = f"{found} matching {rule['action']} rule at index {number}"
            return rule["action"], words
    return "Count", ""


def _matches(rule: Body, pod: Body) -> Iterator[str]:
    meta, status = pod["metadata"], pod["status"]
    name = f"{meta['namespace']}/{meta['name']}"
    exits = rule.get("onExitCodes")
    if exits is None:
        wanted = [(p["type"], p.get("status", "True")) for p in rule.get("onPodConditions", ())]
        for condition in status.get("conditions", ()):
            if (condition["type"], condition["status"]) in wanted:
                yield f"Pod {name} has condition {condition['type']}"
        return
    for told in (*status.get("containerStatuses", ()), *status.get("initContainerStatuses", ())):
        code = told.get("state", {}).get("terminated", {}).get("exitCode", 0)
        meant = exits.get("containerName") in (None, told["name"])
        if code and meant and (code in exits["values"]) == (exits["operator"] == "In"):
            yield f"Container {told['name']} for pod {name} failed with exit code {code}"
