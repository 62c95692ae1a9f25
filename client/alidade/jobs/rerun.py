"""What is created to run a job again: a job is the record of a measurement, and stays."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from alidade_core.api.base import GROUP
from alidade_core.api.job import Job

Body = dict[str, Any]

RERUN_OF: Final = f"{GROUP}/rerun-of"
"""Annotation with the name of the job that was run again."""

_MAX_NAME: Final = 63
_MAX_NAME_WITH_REPLICAS: Final = 60
_NUMBERED: Final = re.compile(r"-r\d+$")
# By these others find their own objects, and might remove a copy.
_OTHERS: Final = (
    GROUP,
    "kubectl.kubernetes.io",
    "app.kubernetes.io",
    "argoproj.io",
    "fluxcd.io",
    "helm.sh",
    "kluctl.io",
)


def dependents(of: str, jobs: Iterable[Job]) -> list[Job]:
    """Return the jobs that come after one, at any distance, in the order of a walk along them."""
    known = list(jobs)
    found: dict[str, Job] = {}
    ahead = [of]
    while ahead:
        name = ahead.pop(0)
        for job in known:
            named = job.metadata.name
            if named not in found and any(d.name == name for d in job.spec.depends_on):
                found[named] = job
                ahead.append(named)
    found.pop(of, None)
    return list(found.values())


def copies(bodies: Iterable[Body], taken: Collection[str]) -> list[Body]:
    """Return the jobs to create that run these again, which refer to each other as these do.

    Args:
        bodies: The jobs, as the API server gives them.
        taken: Names that are taken in the namespace.
    """
    given = list(bodies)
    names: dict[str, str] = {}
    for body in given:
        name = body["metadata"]["name"]
        names[name] = _next_name(body, {*taken, *names.values()})
    return [_copy(body, names) for body in given]


def _next_name(body: Body, taken: Collection[str]) -> str:
    name = body["metadata"]["name"]
    replicas = body["spec"].get("replicas", 1)
    if RERUN_OF in body["metadata"].get("annotations", {}):
        name = _NUMBERED.sub("", name)
    longest = _MAX_NAME if replicas == 1 else _MAX_NAME_WITH_REPLICAS
    number = 2
    while (found := _numbered(name, number, longest)) in taken:
        number += 1
    return found


def _numbered(name: str, number: int, longest: int) -> str:
    suffix = f"-r{number}"
    return f"{name[: longest - len(suffix)].rstrip('-.')}{suffix}"


def _copy(body: Body, names: Mapping[str, str]) -> Body:
    metadata, spec = body["metadata"], dict(body["spec"])
    for held in ("cancel", "suspend"):
        spec.pop(held, None)
    if "dependsOn" in spec:
        spec["dependsOn"] = [_renamed(entry, "name", names) for entry in spec["dependsOn"]]
    if "parameters" in spec:
        spec["parameters"] = [
            {**entry, "valueFrom": _renamed(entry["valueFrom"], "job", names)}
            if "valueFrom" in entry
            else entry
            for entry in spec["parameters"]
        ]
    spec |= _accepted(body.get("status", {}))
    return {
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        "metadata": {
            "name": names[metadata["name"]],
            "labels": _own(metadata.get("labels", {})),
            "annotations": {
                **_own(metadata.get("annotations", {})),
                RERUN_OF: metadata["name"],
            },
        },
        "spec": spec,
    }


def _accepted(status: Body) -> Body:
    """Return what the job was accepted with: the experiment may have another source by now."""
    workflow = {
        field: value
        for field, value in status.get("workflow", {}).items()
        if field in ("source", "path") and value
    }
    accepted = {"workflow": workflow} if workflow.get("source") else {}
    return accepted | ({"datasets": status["datasets"]} if status.get("datasets") else {})


def _renamed(entry: Body, field: str, names: Mapping[str, str]) -> Body:
    return {**entry, field: names.get(entry[field], entry[field])}


def _own(entries: Mapping[str, str]) -> dict[str, str]:
    """Return the labels or annotations that are the user's."""
    return {key: value for key, value in entries.items() if not _is_of_others(key)}


def _is_of_others(key: str) -> bool:
    domain = key.partition("/")[0]
    return any(domain == other or domain.endswith(f".{other}") for other in _OTHERS)
