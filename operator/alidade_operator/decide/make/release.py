"""What lets pods run, with what they are told at that moment, and what stops them."""

import json
from typing import Any

from alidade_core.api.job_status import JobStatus
from alidade_operator.decide.make.merge import merge
from alidade_operator.objects import views, well_known


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
    batch_job: views.BatchJob,
    status: JobStatus,
    tracking_experiment_id: str | None,
    local_queue: str | None = None,
) -> dict[str, Any]:
    """Return the merge patch that lets the pods run, with what they are told at that moment.

    Args:
        batch_job: The batch/v1 Job, suspended.
        status: The job's status, with the values of its parameters and its run.
        tracking_experiment_id: MLflow's ID of its experiment.
        local_queue: Kueue's queue that is to let them run; None where there is nothing to wait for.
    """
    patch: dict[str, Any] = {
        "metadata": {**_this(batch_job), **_handed_over(local_queue)},
        "spec": {} if local_queue else {"suspend": False},
    }
    # Once pods have run the template is immutable, and says what it said before.
    if not batch_job.released_before:
        annotations = _told(status, tracking_experiment_id)
        patch["spec"]["template"] = {"metadata": {"annotations": annotations}}
    return patch


def suspend_patch(batch_job: views.BatchJob) -> dict[str, Any]:
    """Return the merge patch that stops the pods."""
    return {"metadata": _this(batch_job), "spec": {"suspend": True}}


def _takes_annotations(metadata: Any) -> bool:
    # If not, the API server is to say so.
    return isinstance(metadata, dict) and isinstance(metadata.get("annotations", {}), dict)


def _this(batch_job: views.BatchJob) -> dict[str, Any]:
    """Return what makes a patch one of this very object, as it is known."""
    return {"uid": batch_job.uid, "resourceVersion": batch_job.resource_version}


def _handed_over(local_queue: str | None) -> dict[str, Any]:
    annotations = {well_known.HANDED_OVER: local_queue or ""}
    if local_queue is None:
        return {"annotations": annotations}
    return {"annotations": annotations, "labels": {well_known.LOCAL_QUEUE_LABEL: local_queue}}


def _told(status: JobStatus, tracking_experiment_id: str | None) -> dict[str, str]:
    values = {parameter.name: parameter.value for parameter in status.parameters}
    return {
        well_known.PARAMETERS: json.dumps(values, ensure_ascii=False),
        well_known.RUN_ID: status.mlflow_run_id or "",
        well_known.TRACKING_EXPERIMENT_ID: tracking_experiment_id or "",
    }
