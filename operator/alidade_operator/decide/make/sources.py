"""How a workflow's source and datasets come into a pod: what its container is told, and mounts.

The worker in the container fetches and checks them, never the operator. It is started by a name
that only images have that do so: another does not start, rather than run without them.
"""

import json
from collections.abc import Mapping
from typing import Any

from alidade_core import contract
from alidade_core.api.source import Source
from alidade_operator.decide.make.inputs import Inputs

_CODE, _LOGIN, _DATA = "alidade-workflow", "alidade-git", "alidade-data"
VARIABLES = (contract.WORKFLOW_URI, contract.WORKFLOW_SHA256, contract.DATASETS)
"""Variables that are the operator's alone, also where it does not set them."""


def environment(inputs: Inputs) -> dict[str, str]:
    """Return what the container is told, by the names of variables."""
    workflow = inputs.workflow
    found = {
        contract.WORKFLOW: workflow.path,
        contract.WORKFLOW_URI: _uri(workflow.source) if workflow.source else None,
        contract.WORKFLOW_SHA256: workflow.sha256,
        contract.DATASETS: _datasets(inputs) if inputs.datasets else None,
    }
    # Kubernetes takes what looks like $(NAME) for another variable.
    return {name: value.replace("$", "$$") for name, value in found.items() if value is not None}


def received(
    container: Mapping[str, Any], inputs: Inputs, spec: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the job's container with all that it needs to receive them.

    Args:
        container: The container, as the podTemplate has it.
        inputs: What the job was accepted with.
        spec: The pod's, as the podTemplate has it.
    """
    found = dict(container)
    if _wants_seeing_to(inputs):
        found.pop("args", None)
        found["command"] = [contract.SOURCE_COMMAND]
    return _with_more(found, "volumeMounts", _mounted(inputs, spec)[1])


def unused(container: Mapping[str, Any], inputs: Inputs) -> tuple[str, ...]:
    """Return the fields of the job's container that have no effect, as it is started otherwise."""
    if not _wants_seeing_to(inputs):
        return ()
    return tuple(field for field in ("command", "args") if container.get(field))


def provided(spec: Mapping[str, Any], inputs: Inputs) -> dict[str, Any]:
    """Return the pod's spec with the volumes that its container mounts."""
    return _with_more(spec, "volumes", _mounted(inputs, spec)[0])


def _wants_seeing_to(inputs: Inputs) -> bool:
    unseen = (d for d in inputs.datasets if d.claim is None or d.sha256 is not None)
    return inputs.workflow.source is not None or any(unseen)


def _uri(source: Source) -> str:
    if source.archive:
        return source.archive.uri
    if source.config_map:
        return f"file://{contract.CONFIG_MAP_FOLDER}/{source.config_map.key}"
    if source.git:
        return f"git+{source.git.repository}@{source.git.commit}"
    raise ValueError("a source without any place")


def _datasets(inputs: Inputs) -> str:
    told = [
        {
            field: value
            for field, value in (
                ("name", dataset.name),
                ("uri", dataset.artifact),
                ("path", dataset.path),
                ("sha256", dataset.sha256),
            )
            if value is not None
        }
        for dataset in inputs.datasets
    ]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _mounted(
    inputs: Inputs, spec: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the volumes that the pod lacks, and what its container mounts."""
    source, claims = inputs.workflow.source, [d for d in inputs.datasets if d.claim]
    found = []
    if source and source.config_map:
        key = source.config_map.key
        items = [{"key": key, "path": key}]
        volume = {"configMap": {"name": source.config_map.name, "items": items}}
        found.append(_mount(_CODE, volume, contract.CONFIG_MAP_FOLDER))
    if source and source.git and source.git.secret_name:
        volume = {"secret": {"secretName": source.git.secret_name}}
        found.append(_mount(_LOGIN, volume, contract.GIT_CREDENTIALS_FOLDER))
    if len(claims) < len(inputs.datasets):
        # The worker fills it.
        found.append(_mount(_DATA, {"emptyDir": {}}, contract.DATA_FOLDER, read_only=False))
    volumes, mounts = [volume for volume, _ in found], [mount for _, mount in found]
    # A kubelet never starts a pod with two volumes of one claim (kubernetes/kubernetes#82526).
    known = _volumes_of_claims(spec)
    for dataset in claims:
        claim = dataset.claim or ""
        if claim not in known:
            # The name of a dataset and more would be too long for a volume's.
            known[claim] = f"{_DATA}-{len(volumes) - len(found)}"
            pvc = {"persistentVolumeClaim": {"claimName": claim}}
            volumes.append({"name": known[claim], **pvc})
        place = f"{contract.DATA_FOLDER}/{dataset.name}"
        mounts.append({"name": known[claim], "mountPath": place, "readOnly": True})
    return volumes, mounts


def _volumes_of_claims(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return the names of the volumes that the podTemplate itself has of claims, by these."""
    volumes = spec.get("volumes")
    found: dict[str, str] = {}
    for volume in volumes if isinstance(volumes, list) else ():
        claim = volume.get("persistentVolumeClaim") if isinstance(volume, dict) else None
        claim_name = claim.get("claimName") if isinstance(claim, dict) else None
        if isinstance(claim_name, str) and isinstance(volume.get("name"), str):
            found.setdefault(claim_name, volume["name"])
    return found


def _mount(
    name: str, volume: dict[str, Any], path: str, *, read_only: bool = True
) -> tuple[dict[str, Any], dict[str, Any]]:
    mount = {"name": name, "mountPath": path, **({"readOnly": True} if read_only else {})}
    return {"name": name, **volume}, mount


def _with_more(of: Mapping[str, Any], field: str, more: list[dict[str, Any]]) -> dict[str, Any]:
    """Return it with more in a list; what is no list is for the API server to refuse.

    So is a place that the podTemplate has taken for something else.
    """
    there = of.get(field) or []
    return {**of, field: [*there, *more]} if more and isinstance(there, list) else dict(of)
