"""The batch/v1 Job behind a Job: what its pods look like, and the one patch that lets them run."""

import hashlib
import json
from typing import Any

from alidade.api.base import GROUP, VERSION
from alidade.api.experiment import Experiment
from alidade.api.job import Job, JobStatus
from alidade.api.queue import Queue
from alidade.domain import observed, replicas
from alidade.domain.merge import merge

# Taken by the worker where the experiment names no path of its own.
DEFAULT_WORKFLOW = "/workflow"
_LAST_WORDS = {"terminationMessagePolicy": "FallbackToLogsOnError"}


def manifest(
    job: Job,
    experiment: Experiment,
    queue: Queue,
    image: str,
    tracking_uri: str,
    *,
    flavor: str | None = None,
) -> dict[str, Any]:
    """Return the suspended batch/v1 Job of a Job.

    Args:
        job: The Job that owns it and gives it its name.
        experiment: Its experiment.
        queue: Its queue: node pool and resources, those of the flavor where it has flavors.
        image: The image of its container.
        tracking_uri: Where its pods reach MLflow.
        flavor: The name of the queue's flavor.
    """
    labels = _labels(job, queue, flavor)
    spec: dict[str, Any] = {
        "suspend": True,
        "backoffLimit": job.spec.backoff_limit,
        "podFailurePolicy": job.spec.pod_failure_policy or replicas.failure_policy(job),
        "template": merge(
            _template(job, experiment, queue, image, tracking_uri), {"metadata": {"labels": labels}}
        ),
        **replicas.indexed(job),
    }
    if job.spec.active_deadline_seconds is not None:
        spec["activeDeadlineSeconds"] = job.spec.active_deadline_seconds
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job.metadata.name,
            "namespace": job.metadata.namespace,
            "labels": labels,
            "annotations": {observed.TEMPLATE_HASH: _digest(spec)},
            "ownerReferences": [
                {
                    "apiVersion": f"{GROUP}/{VERSION}",
                    "kind": "Job",
                    "name": job.metadata.name,
                    "uid": job.metadata.uid,
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": spec,
    }


def template_hash(wanted: dict[str, Any]) -> str:
    """Return what tells one such manifest from another."""
    return str(wanted["metadata"]["annotations"][observed.TEMPLATE_HASH])


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
    metadata: dict[str, Any] = {"uid": backing.uid}
    patch: dict[str, Any] = {"metadata": metadata, "spec": {}}
    if local_queue:
        metadata["labels"] = {observed.LOCAL_QUEUE_LABEL: local_queue}
    else:
        patch["spec"]["suspend"] = False
    # Once pods have run the template is immutable, and says what it said before.
    if not backing.released_before:
        told = {
            observed.PARAMETERS: json.dumps(
                {p.name: p.value for p in status.parameters}, ensure_ascii=False
            ),
            observed.RUN_ID: status.mlflow_run_id or "",
            observed.TRACKING_EXPERIMENT_ID: tracking_experiment_id or "",
        }
        patch["spec"]["template"] = {"metadata": {"annotations": told}}
    return patch


def suspend_patch(backing: observed.BackingJob) -> dict[str, Any]:
    """Return the merge patch that stops the pods."""
    return {"metadata": {"uid": backing.uid}, "spec": {"suspend": True}}


def _labels(job: Job, queue: Queue, flavor: str | None) -> dict[str, str]:
    return {
        **({observed.FLAVOR_LABEL: flavor} if flavor else {}),
        observed.JOB_LABEL: job.metadata.name,
        observed.JOB_UID_LABEL: job.metadata.uid,
        observed.EXPERIMENT_LABEL: job.spec.experiment,
        observed.QUEUE_LABEL: queue.metadata.name,
        "app.kubernetes.io/managed-by": "alidade",
    }


def _template(
    job: Job, experiment: Experiment, queue: Queue, image: str, tracking_uri: str
) -> dict[str, Any]:
    workflow = experiment.spec.workflow
    worker = {
        "name": observed.WORKER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "resources": queue.spec.resources.dump(),
        **_LAST_WORDS,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "env": [
            {"name": "HOME", "value": "/tmp"},  # noqa: S108 the pod's own /tmp, a volume
            # MLflow's last words would come behind those of what failed.
            {"name": "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "value": "true"},
            # Here already, for the order: what the user adds comes behind.
            *replicas.environment(job),
        ],
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "nodeSelector": dict(queue.spec.node_selector),
        "tolerations": [toleration.dump() for toleration in queue.spec.tolerations],
        "containers": [worker],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    if job.spec.priority_class_name is not None:
        pod["priorityClassName"] = job.spec.priority_class_name
    if init_containers := _init_containers(job.spec.pod_template or {}):
        pod["initContainers"] = init_containers
    template = merge({"metadata": {}, "spec": pod}, job.spec.pod_template or {})
    # The contract with the worker is not the user's to change.
    path = workflow.path if workflow and workflow.path else DEFAULT_WORKFLOW
    contract = {
        "spec": {
            **replicas.pod_spec(job),
            "containers": [
                {
                    "name": observed.WORKER,
                    "image": image,
                    "env": _environment(job, path, tracking_uri) + replicas.environment(job),
                }
            ],
        },
    }
    return merge(template, contract)


def _init_containers(template: dict[str, Any]) -> list[dict[str, Any]]:
    """Have the user's init containers tell why they failed, if the user does not say otherwise."""
    spec = template.get("spec")
    given = spec.get("initContainers") if isinstance(spec, dict) else None
    named = [c for c in given if isinstance(c, dict)] if isinstance(given, list) else []
    return [{"name": c["name"], **_LAST_WORDS} for c in named if "name" in c]


def _environment(job: Job, workflow: str, tracking_uri: str) -> list[dict[str, Any]]:
    values = {
        "ALIDADE_JOB": job.metadata.name,
        "ALIDADE_EXPERIMENT": job.spec.experiment,
        "ALIDADE_ENTRY_POINT": job.spec.entry_point,
        "ALIDADE_WORKFLOW": workflow,
        "MLFLOW_TRACKING_URI": tracking_uri,
    }
    annotations = {
        "ALIDADE_PARAMETERS": observed.PARAMETERS,
        "MLFLOW_RUN_ID": observed.RUN_ID,
        "MLFLOW_EXPERIMENT_ID": observed.TRACKING_EXPERIMENT_ID,
    }
    return [{"name": name, "value": value} for name, value in values.items()] + [
        {
            "name": name,
            "valueFrom": {"fieldRef": {"fieldPath": f"metadata.annotations['{annotation}']"}},
        }
        for name, annotation in annotations.items()
    ]


def _digest(spec: dict[str, Any]) -> str:
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
