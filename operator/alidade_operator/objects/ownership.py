"""What a job and its batch/v1 Job find each other by, and putting it back where it was changed."""

from collections.abc import Mapping
from typing import Any

from alidade_core.api.base import GROUP, VERSION
from alidade_core.api.job import Job
from alidade_operator.objects.well_known import JOB_LABEL, JOB_UID_LABEL


def owner_reference(job: Job) -> dict[str, Any]:
    """Return the reference by which a job owns what is made for it."""
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Job",
        "name": job.metadata.name,
        "uid": job.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def mend(body: Mapping[str, Any], job: Job) -> dict[str, Any] | None:
    """Return the merge patch that puts back what somebody changed of a job's batch/v1 Job.

    That is what it is found by, which queue has its place, and that all of its pods are to run.

    Args:
        body: The batch/v1 Job as the API server gives it.
        job: The job whose it is.

    Returns:
        The patch, for this very version of it; None where nothing was changed.
    """
    metadata, spec = body["metadata"], body.get("spec") or {}
    labels, owners = metadata.get("labels") or {}, metadata.get("ownerReferences") or []
    own = {JOB_LABEL: job.metadata.name, JOB_UID_LABEL: job.metadata.uid}
    wanted = {**ours(_labels_of_pods(spec)), **own}
    taken = {name: value for name, value in wanted.items() if labels.get(name) != value}
    patch: dict[str, Any] = {"labels": taken} if taken else {}
    if not any(o.get("controller") and o.get("uid") == job.metadata.uid for o in owners):
        # An object has one controller.
        others = [{**o, "controller": False} for o in owners if o.get("uid") != job.metadata.uid]
        patch["ownerReferences"] = [*others, owner_reference(job)]
    parallel = spec.get("parallelism", job.spec.replicas) == job.spec.replicas
    if not patch and parallel:
        return None
    version = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    pods = {} if parallel else {"spec": {"parallelism": job.spec.replicas}}
    return {"metadata": version | patch, **pods}


def ours(labels: Mapping[str, str]) -> dict[str, str]:
    """Return those of an object's labels that are the system's."""
    return {name: value for name, value in labels.items() if name.startswith(f"{GROUP}/")}


def _labels_of_pods(spec: Mapping[str, Any]) -> dict[str, str]:
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    return labels if isinstance(labels, dict) else {}
