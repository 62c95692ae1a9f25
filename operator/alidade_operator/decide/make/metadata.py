"""The metadata of what is made for a Job: its batch/v1 Job and its Service.

The Job's own labels and annotations are passed on, so that policies and cost reports which go by
them see the objects that they are about. Those by which a system knows its own objects stay where
they are: it would take the copies for its own.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from alidade_core.api.base import GROUP
from alidade_core.api.job import Job
from alidade_operator.objects import well_known
from alidade_operator.objects.ownership import owner_reference

_NEVER = (
    GROUP,
    "kubernetes.io",
    "k8s.io",
    "kueue.x-k8s.io",
    "argocd.argoproj.io",
    "fluxcd.io",
)


def metadata_for(job: Job, kept_back: Iterable[str] = ()) -> dict[str, Any]:
    """Return the metadata of an object that a job owns, and that is known by the job's name.

    Args:
        job: The job.
        kept_back: Domains whose labels and annotations are not passed on.
    """
    kept_back = tuple(kept_back)
    return {
        "name": job.metadata.name,
        "namespace": job.metadata.namespace,
        "labels": {**passed_on(job.metadata.labels, kept_back), **labels_of(job)},
        "annotations": {**passed_on(job.metadata.annotations, kept_back), **_submitter(job)},
        "ownerReferences": [owner_reference(job)],
    }


def _submitter(job: Job) -> dict[str, str]:
    # Policies see the operator's account alone, and may go by this.
    name = job.metadata.annotations.get(well_known.SUBMITTED_BY)
    return {well_known.SUBMITTED_BY: name} if name else {}


def labels_of(job: Job) -> dict[str, str]:
    """Return the labels by which what belongs to a job is known."""
    return {
        well_known.JOB_LABEL: job.metadata.name,
        well_known.JOB_UID_LABEL: job.metadata.uid,
        well_known.EXPERIMENT_LABEL: job.spec.experiment,
        "app.kubernetes.io/managed-by": "alidade",
    }


def passed_on(entries: Mapping[str, str], kept_back: Iterable[str] = ()) -> dict[str, str]:
    """Return the labels or annotations that are passed on.

    Args:
        entries: Those of the Job.
        kept_back: Domains whose entries are not, nor those of domains below them.
    """
    domains = (*_NEVER, *kept_back)
    return {key: value for key, value in entries.items() if not is_of(key, domains)}


def is_of(key: str, domains: Iterable[str]) -> bool:
    """Whether the key of a label or an annotation belongs to one of the domains, or below it."""
    prefix, slash, _ = key.partition("/")
    # In keys of annotations case makes no difference.
    of = prefix.lower()
    return bool(slash) and any(of == domain or of.endswith(f".{domain}") for domain in domains)
