"""Objects for tests: only what a test is about has to be said.

Batch/v1 Jobs and pods are made as the API server gives them and read as the operator reads them.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from alidade_core.api.base import GROUP, VERSION
from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Dependency, Job
from alidade_core.api.job_status import DependencyStatus, JobState, JobStatus
from alidade_core.api.queue import Queue
from alidade_operator.decide.gate.intake import decide
from alidade_operator.decide.image import Image
from alidade_operator.decide.make import manifest
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.objects import reading, well_known
from alidade_operator.objects.views import BatchJob, Pod

NAMESPACE = "lab"
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
IMAGE = "registry.example/workflow:1"
URI = "http://mlflow:5000"
_IMAGE = Image(IMAGE)


def stamp(time: datetime) -> str:
    """Return a metav1.Time."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def metadata(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": NAMESPACE,
        "uid": f"uid-{name}",
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": stamp(NOW),
        **fields,
    }


def job_body(
    name: str = "train",
    *,
    depends_on: Iterable[str | Dependency] = (),
    status: JobStatus | Mapping[str, Any] | None = None,
    meta: Mapping[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """Make a Job as the API server gives it; the names of the spec are the API's."""
    dependencies = [Dependency(name=d) if isinstance(d, str) else d for d in depends_on]
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Job",
        "metadata": metadata(name, **(meta or {})),
        "spec": {
            "experiment": "mnist",
            **({"dependsOn": [d.dump() for d in dependencies]} if dependencies else {}),
            **spec,
        },
        "status": status.dump() if isinstance(status, JobStatus) else dict(status or {}),
    }


def job(name: str = "train", **fields: Any) -> Job:
    return Job.model_validate(job_body(name, **fields))


def status(state: JobState | None = None, **fields: Any) -> JobStatus:
    return JobStatus(state=state, **fields)


def job_in(state: JobState, name: str = "train", **fields: Any) -> Job:
    """Make a job in a state; the rest of its status is given by the names of JobStatus."""
    return job(name, status=JobStatus(state=state, **fields))


def met(name: str, state: JobState = JobState.FINISHED) -> DependencyStatus:
    return DependencyStatus(name=name, uid=f"uid-{name}", state=state, met=True)


def experiment_body(
    name: str = "mnist",
    *,
    registered: str | None = "7",
    status: Mapping[str, Any] | None = None,
    meta: Mapping[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    known = {"mlflowExperimentId": registered} if registered else {}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Experiment",
        "metadata": metadata(name, **(meta or {})),
        "spec": {"workflow": {"image": IMAGE}, "queue": "cpu", **spec},
        "status": {**known, **(status or {})},
    }


def experiment(name: str = "mnist", **fields: Any) -> Experiment:
    return Experiment.model_validate(experiment_body(name, **fields))


def queue_body(
    name: str = "cpu", *, meta: Mapping[str, Any] | None = None, **spec: Any
) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Queue",
        "metadata": metadata(name, **(meta or {})),
        "spec": spec,
    }


def queue(name: str = "cpu", **spec: Any) -> Queue:
    return Queue.model_validate(queue_body(name, **spec))


def batch_job_body(
    name: str = "train",
    *,
    suspend: bool = True,
    owner: str | None = None,
    queue: str = "cpu",
    template_hash: str = "",
    annotations: Mapping[str, str] | None = None,
    status: Mapping[str, Any] | None = None,
    meta: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make the batch/v1 Job of a job; the pods of one that runs are told something."""
    told = (
        {well_known.PARAMETERS: "{}"} if annotations is None and not suspend else annotations or {}
    )
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata(
            name,
            **{
                "uid": f"uid-batch-{name}",
                "labels": {
                    well_known.JOB_LABEL: name,
                    well_known.JOB_UID_LABEL: owner or f"uid-{name}",
                    well_known.QUEUE_LABEL: queue,
                },
                "annotations": {well_known.TEMPLATE_HASH: template_hash},
                "ownerReferences": [owner_reference("Job", name, owner or f"uid-{name}")],
                **(meta or {}),
            },
        ),
        "spec": {
            "suspend": suspend,
            "template": {"metadata": {"annotations": told}},
        },
        "status": dict(status or {}),
    }


def wanted(
    of: Job | None = None,
    where: Queue | None = None,
    within: Experiment | None = None,
    image: Image = _IMAGE,
    **more: Any,
) -> manifest.Wanted:
    """Return the batch/v1 Job that a job asks for which is accepted now."""
    of = of or job()
    inputs = decide(of.spec, within or experiment())
    return manifest.wanted(of, inputs, where or queue(), image, URI, **more)


def batch_job(name: str = "train", **fields: Any) -> BatchJob:
    return reading.read_batch_job(batch_job_body(name, **fields))


def owner_reference(kind: str, name: str, uid: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/{VERSION}" if kind == "Job" else "batch/v1",
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def complete(**counts: int) -> dict[str, Any]:
    """Make the status of a batch/v1 Job that ended well."""
    return {"succeeded": 1, **counts, "conditions": [{"type": "Complete", "status": "True"}]}


def failed(
    reason: str = "BackoffLimitExceeded",
    message: str = "Job has reached the specified backoff limit",
    **counts: int,
) -> dict[str, Any]:
    """Make the status of a batch/v1 Job that failed."""
    condition = {"type": "Failed", "status": "True", "reason": reason, "message": message}
    return {"failed": 1, **counts, "conditions": [condition]}


def pod_body(
    name: str = "train-x7k2p",
    *,
    job: str = "train",
    phase: str = "Pending",
    worker: Mapping[str, Any] | None = None,
    init: Mapping[str, Any] | None = None,
    node: str | None = "node-1",
    index: int | None = None,
    images: Iterable[str] = (),
    conditions: Iterable[Mapping[str, Any]] = (),
    meta: Mapping[str, Any] | None = None,
    **status: Any,
) -> dict[str, Any]:
    """Make a pod of a job.

    Args:
        name: Its name.
        job: The job that it is an attempt at.
        phase: Its phase.
        worker: The state of its container, as `containerStatuses[].state` has it.
        init: The state of an init container.
        node: Where it is scheduled, None where it is not.
        index: Which of the job's replicas it is, None where the job has one only.
        images: The image of its container, where it is asked for.
        conditions: Conditions beside PodScheduled.
        meta: Fields of its metadata.
        status: Other fields of its status.
    """
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": stamp(NOW)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(
            name,
            **{
                "labels": {well_known.JOB_LABEL: job, well_known.JOB_UID_LABEL: f"uid-{job}"},
                **({} if index is None else {"annotations": _completion(index)}),
                "ownerReferences": [owner_reference("batch", job, f"uid-batch-{job}")],
                **(meta or {}),
            },
        ),
        "spec": {
            **({"nodeName": node} if node else {}),
            "containers": [{"name": well_known.WORKER, "image": image} for image in images],
        },
        "status": {
            "phase": phase,
            "conditions": [*([scheduled] if node else ()), *conditions],
            **(
                {"initContainerStatuses": [{"name": "fetch", "state": init}]}
                if init is not None
                else {}
            ),
            **(
                {"containerStatuses": [{"name": well_known.WORKER, "state": worker}]}
                if worker is not None
                else {}
            ),
            **status,
        },
    }


def _completion(index: int) -> dict[str, str]:
    return {well_known.COMPLETION_INDEX: str(index)}


def pod(name: str = "train-x7k2p", **fields: Any) -> Pod:
    return reading.pod(pod_body(name, **fields))


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def running(since: datetime = NOW) -> dict[str, Any]:
    return {"running": {"startedAt": stamp(since)}}


def terminated(
    code: int = 0,
    reason: str = "",
    message: str = "",
    *,
    started: datetime | None = NOW,
    finished: datetime | None = NOW,
) -> dict[str, Any]:
    return {
        "terminated": {
            "exitCode": code,
            "reason": reason or ("Error" if code else "Completed"),
            "message": message,
            "startedAt": stamp(started) if started else None,
            "finishedAt": stamp(finished) if finished else None,
        }
    }


def disruption(reason: str, message: str = "") -> dict[str, Any]:
    """Make the condition of a pod that is, or was, stopped through no fault of its own."""
    return {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}


DELETED = {"deletionTimestamp": stamp(NOW)}
"""What the metadata of an object that is being deleted has more."""
UNREACHABLE = (
    {"type": "Ready", "status": "False"},
    {"type": "ContainersReady", "status": "True"},
)
"""Conditions of a pod that ran well, as the node controller leaves them when its node is silent."""


def running_pod(name: str = "train-x7k2p", **fields: Any) -> Pod:
    return pod(name, phase="Running", worker=running(), **fields)


def succeeded_pod(name: str = "train-x7k2p", *, says: str = "", **fields: Any) -> Pod:
    return pod(name, phase="Succeeded", worker=terminated(message=says), **fields)


def failed_pod(
    name: str = "train-x7k2p",
    *,
    code: int = 1,
    reason: str = "Error",
    says: str = "",
    finished: datetime | None = NOW,
    **fields: Any,
) -> Pod:
    ended = terminated(code, reason, says, finished=finished)
    return pod(name, phase="Failed", worker=ended, **fields)


def snapshot(of: Job, **fields: Any) -> Snapshot:
    """Take a snapshot of a job whose experiment is registered and whose queue exists."""
    known = {"now": NOW, "tracking_uri": URI, "experiment": experiment(), "queue": queue()}
    return Snapshot(job=of, **{**known, **fields})
