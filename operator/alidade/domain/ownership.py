"""What a job and its batch/v1 Job find each other by, and putting it back where it is missing."""

from collections.abc import Mapping
from typing import Any

from alidade.api.base import GROUP, VERSION
from alidade.api.job import Job
from alidade.domain.observed import JOB_LABEL, JOB_UID_LABEL


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
    """Return the merge patch that puts back by what a job's batch/v1 Job is found.

    Args:
        body: The batch/v1 Job as the API server gives it.
        job: The job whose it is.

    Returns:
        The patch, for this very version of it; None where nothing was taken off.
    """
    metadata = body["metadata"]
    labels = metadata.get("labels") or {}
    owners = metadata.get("ownerReferences") or []
    wanted = {JOB_LABEL: job.metadata.name, JOB_UID_LABEL: job.metadata.uid}
    taken = {name: value for name, value in wanted.items() if labels.get(name) != value}
    patch: dict[str, Any] = {"labels": taken} if taken else {}
    if not any(owner.get("controller") for owner in owners):
        others = [owner for owner in owners if owner.get("uid") != job.metadata.uid]
        patch["ownerReferences"] = [*others, owner_reference(job)]
    if not patch:
        return None
    version = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    return {"metadata": version | patch}
