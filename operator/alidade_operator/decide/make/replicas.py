"""A job of several replicas: one Indexed batch/v1 Job, and a headless Service to meet under.

Each pod has a host name of its own, `<job>-<index>.<job>` (KEP-2214), and is told those of all in
TF_CONFIG, as TensorFlow's TFConfigClusterResolver reads it. Kubernetes alone puts the pod's index
in, so that this works with any image.
"""

import json
from typing import Any

from alidade_core.api.job import Job
from alidade_operator.objects import well_known

PORT = 2222


def indexed(job: Job) -> dict[str, Any]:
    """Return what the spec of a batch/v1 Job has more where the job has replicas."""
    if job.spec.replicas == 1:
        return {}
    count = job.spec.replicas
    return {"completionMode": "Indexed", "completions": count, "parallelism": count}


def pod_spec(job: Job) -> dict[str, Any]:
    """Return what the spec of its pods has more."""
    return {} if job.spec.replicas == 1 else {"subdomain": job.metadata.name}


def environment(job: Job) -> list[dict[str, Any]]:
    """Return what its container's environment has more; the order matters."""
    if job.spec.replicas == 1:
        return []
    annotation = f"metadata.annotations['{well_known.COMPLETION_INDEX}']"
    return [
        # Kubernetes expands only what stands before.
        {"name": _INDEX, "valueFrom": {"fieldRef": {"fieldPath": annotation}}},
        {"name": "TF_CONFIG", "value": _tf_config(job)},
    ]


_INDEX = "JOB_COMPLETION_INDEX"


def _tf_config(job: Job) -> str:
    name = job.metadata.name
    workers = [f"{name}-{index}.{name}:{PORT}" for index in range(job.spec.replicas)]
    cluster = json.dumps({"worker": workers}, separators=(",", ":"))
    return f'{{"cluster":{cluster},"task":{{"type":"worker","index":$({_INDEX})}}}}'
