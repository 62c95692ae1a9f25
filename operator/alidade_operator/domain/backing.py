"""The batch/v1 Job behind a Job: as it stands suspended, and what lets its pods run.

What may run at once is created running; what waits is created suspended, and released by one patch.
Either way its pods are told by annotations what is known only then.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobStatus
from alidade_core.api.queue import Queue
from alidade_operator.domain import failure_policy, observed, replicas
from alidade_operator.domain.image import Image
from alidade_operator.domain.inputs import Inputs
from alidade_operator.domain.merge import merge
from alidade_operator.domain.metadata import labels_of, metadata_for
from alidade_operator.domain.pod_template import pod_template


@dataclass(frozen=True)
class Wanted:
    """What a job's batch/v1 Job is to be.

    Attributes:
        manifest: It, suspended.
        gave_way: Fields of the job's podTemplate that the queue does not let jobs have otherwise.
        unused: Fields of its container there that have no effect, as it is started otherwise.
    """

    manifest: dict[str, Any]
    gave_way: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def template_hash(self) -> str:
        """What tells one such manifest from another."""
        return str(self.manifest["metadata"]["annotations"][observed.TEMPLATE_HASH])


def wanted(
    job: Job,
    inputs: Inputs,
    queue: Queue,
    image: Image,
    tracking_uri: str,
    *,
    flavor: str | None = None,
    kept_back: Iterable[str] = (),
) -> Wanted:
    """Return the batch/v1 Job that a Job asks for.

    Args:
        job: The Job that owns it and gives it its name.
        inputs: The code and the data that it was accepted with.
        queue: Its queue: node pool and resources, those of the flavor where it has flavors.
        image: The image of its container.
        tracking_uri: Where its pods reach MLflow.
        flavor: The name of the queue's flavor.
        kept_back: Domains whose labels and annotations are not passed on to it.
    """
    labels = _labels(job, queue, flavor)
    made = pod_template(job, inputs, queue, image, tracking_uri, labels=labels)
    spec: dict[str, Any] = {
        "suspend": True,
        "backoffLimit": job.failures_left,
        "podFailurePolicy": job.spec.pod_failure_policy or failure_policy.default(job),
        "template": made.template,
        **replicas.indexed(job),
    }
    if job.spec.active_deadline_seconds is not None:
        spec["activeDeadlineSeconds"] = job.spec.active_deadline_seconds
    metadata = metadata_for(job, kept_back)
    metadata["labels"] |= labels
    metadata["annotations"][observed.TEMPLATE_HASH] = _digest(spec)
    if not inputs.in_image:
        metadata["annotations"][observed.INPUTS] = inputs.model_dump_json(
            by_alias=True, exclude_none=True
        )
    manifest = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
    return Wanted(manifest, made.gave_way, made.unused)


def let_run(
    manifest: dict[str, Any],
    status: JobStatus,
    tracking_experiment_id: str | None,
    local_queue: str | None = None,
) -> dict[str, Any]:
    """Return a batch/v1 Job as it is created where it may run at once.

    Args:
        manifest: It, suspended.
        status: The job's status, with the values of its parameters and its run.
        tracking_experiment_id: MLflow's ID of its experiment.
        local_queue: Kueue's queue that is to let it run; None where there is nothing to wait for.
    """
    metadata, spec = manifest["metadata"], manifest["spec"]
    template = spec["template"]
    if _takes_annotations(template["metadata"]):
        told = _told(status, tracking_experiment_id)
        template = merge(template, {"metadata": {"annotations": told}})
    return {
        **manifest,
        "metadata": merge(metadata, _handed_over(local_queue)),
        "spec": {**spec, "suspend": local_queue is not None, "template": template},
    }


def release_patch(
    backing: observed.BackingJob,
    status: JobStatus,
    tracking_experiment_id: str | None,
    local_queue: str | None = None,
) -> dict[str, Any]:
    """Return the merge patch that lets the pods run, with what they are told at that moment.

    Args:
        backing: The batch/v1 Job, suspended.
        status: The job's status, with the values of its parameters and its run.
        tracking_experiment_id: MLflow's ID of its experiment.
        local_queue: Kueue's queue that is to let them run; None where there is nothing to wait for.
    """
    patch: dict[str, Any] = {
        "metadata": {**_this(backing), **_handed_over(local_queue)},
        "spec": {} if local_queue else {"suspend": False},
    }
    # Once pods have run the template is immutable, and says what it said before.
    if not backing.released_before:
        annotations = _told(status, tracking_experiment_id)
        patch["spec"]["template"] = {"metadata": {"annotations": annotations}}
    return patch


def suspend_patch(backing: observed.BackingJob) -> dict[str, Any]:
    """Return the merge patch that stops the pods."""
    return {"metadata": _this(backing), "spec": {"suspend": True}}


def _takes_annotations(metadata: Any) -> bool:
    # If not, the API server is to say so.
    return isinstance(metadata, dict) and isinstance(metadata.get("annotations", {}), dict)


def _this(backing: observed.BackingJob) -> dict[str, Any]:
    """Return what makes a patch one of this very object, as it is known."""
    return {"uid": backing.uid, "resourceVersion": backing.resource_version}


def _handed_over(local_queue: str | None) -> dict[str, Any]:
    annotations = {observed.HANDED_OVER: local_queue or ""}
    if local_queue is None:
        return {"annotations": annotations}
    return {"annotations": annotations, "labels": {observed.LOCAL_QUEUE_LABEL: local_queue}}


def _told(status: JobStatus, tracking_experiment_id: str | None) -> dict[str, str]:
    values = {parameter.name: parameter.value for parameter in status.parameters}
    return {
        observed.PARAMETERS: json.dumps(values, ensure_ascii=False),
        observed.RUN_ID: status.mlflow_run_id or "",
        observed.TRACKING_EXPERIMENT_ID: tracking_experiment_id or "",
    }


def _labels(job: Job, queue: Queue, flavor: str | None) -> dict[str, str]:
    in_flavor = {observed.FLAVOR_LABEL: flavor} if flavor else {}
    return {**labels_of(job), observed.QUEUE_LABEL: queue.metadata.name, **in_flavor}


def _digest(spec: dict[str, Any]) -> str:
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
