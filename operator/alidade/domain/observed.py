"""What the operator reads of batch/v1 Jobs and Pods: small, immutable views of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

JOB_LABEL = "alidade.dev/job"
# A name may be used again; a UID never is.
JOB_UID_LABEL = "alidade.dev/job-uid"
EXPERIMENT_LABEL = "alidade.dev/experiment"
QUEUE_LABEL = "alidade.dev/queue"
FLAVOR_LABEL = "alidade.dev/flavor"
TEMPLATE_HASH = "alidade.dev/template-hash"
PARAMETERS = "alidade.dev/parameters"
RUN_ID = "alidade.dev/mlflow-run-id"
TRACKING_EXPERIMENT_ID = "alidade.dev/mlflow-experiment-id"
LOCAL_QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
WORKER = "worker"


# What the kubelet reports as the start of a container that its runtime could not start.
_NEVER = datetime.fromtimestamp(0, UTC)


def parse_time(text: str | None) -> datetime | None:
    """Read a metav1.Time; None and the epoch, which stands for never, are None."""
    time = datetime.fromisoformat(text) if text else None
    return None if time == _NEVER else time


@dataclass(frozen=True, slots=True)
class Failure:
    """The Failed condition of a batch/v1 Job."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class BackingJob:
    """A batch/v1 Job that runs the pods of a Job."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    owner_uid: str | None
    queue: str | None
    flavor: str | None
    local_queue: str | None
    template_hash: str | None
    suspended: bool
    released_before: bool
    deleting: bool
    succeeded: int
    failed: int
    complete: bool
    failure: Failure | None

    @property
    def ended(self) -> bool:
        """Whether its controller is done with it."""
        return self.complete or self.failure is not None

    @property
    def holds_place(self) -> bool:
        """Whether it counts against its queue's maxRunning."""
        return not self.suspended and not self.ended


@dataclass(frozen=True, slots=True)
class Waiting:
    """A container that does not run yet, in the kubelet's words."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Terminated:
    """A container that ran, or could not be run."""

    exit_code: int
    signal: int | None
    reason: str
    message: str
    started: datetime | None
    finished: datetime | None


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a pod: at most one of the three states."""

    name: str
    waiting: Waiting | None = None
    running_since: datetime | None = None
    terminated: Terminated | None = None

    @property
    def last_words(self) -> str:
        """The termination message, empty where there is none."""
        return self.terminated.message if self.terminated else ""


@dataclass(frozen=True, slots=True)
class Pod:
    """One attempt at a job, or at the part of it that one replica has; `index` says which.

    It ends with the last of its containers; `beside` names those that run, other than the job's
    own. What is said of containers is what the kubelet last reported: if `node_silent`, it may be
    so no longer.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    job: str | None
    owner_uid: str | None
    created: datetime | None
    phase: str
    reason: str
    message: str
    node: str | None
    scheduled: datetime | None
    unschedulable: str | None
    disruption: Failure | None
    init: Container | None
    container: Container | None
    beside: tuple[str, ...]
    deleting: bool
    node_silent: bool
    index: int | None

    @property
    def over(self) -> bool:
        """Whether it has ended for good."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def ended(self) -> bool:
        """Whether it has ended, or will in a moment: the kubelet tells of its container first."""
        return self.over or self.exit_code is not None

    @property
    def exit_code(self) -> int | None:
        """What the job's container exited with, None where it has not."""
        ended = self.container and self.container.terminated
        return ended.exit_code if ended else None

    @property
    def logged(self) -> tuple[Container, ...]:
        """The containers that have, or had, a log: the job's own, and one that kept it from it."""
        known = (c for c in (self.init, self.container) if c is not None)
        return tuple(c for c in known if c.running_since or c.terminated)

    @property
    def finished(self) -> datetime | None:
        """When the job's container ended, None where it has not, or that is not known."""
        ended = self.container and self.container.terminated
        return ended.finished if ended else None

    @property
    def started(self) -> datetime | None:
        """When the job's container first ran, None where it never did."""
        container = self.container
        if container is None:
            return None
        if container.running_since is not None:
            return container.running_since
        return container.terminated.started if container.terminated else None


def _owner_uid(metadata: Mapping[str, Any]) -> str | None:
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller"):
            return str(owner["uid"])
    return None


_Conditions = Mapping[str, Mapping[str, Any]]


def _conditions(status: Mapping[str, Any]) -> _Conditions:
    return {condition["type"]: condition for condition in status.get("conditions") or ()}


def _true(conditions: _Conditions, kind: str) -> Mapping[str, Any] | None:
    condition = conditions.get(kind, {})
    return condition if condition.get("status") == "True" else None


def _failure(condition: Mapping[str, Any] | None) -> Failure | None:
    if condition is None:
        return None
    return Failure(condition.get("reason") or "", condition.get("message") or "")


def backing_job(body: Mapping[str, Any]) -> BackingJob:
    """Read a batch/v1 Job as the API server gives it."""
    metadata, spec = body["metadata"], body["spec"]
    status = body.get("status") or {}
    conditions = _conditions(status)
    template = spec["template"].get("metadata") or {}
    return BackingJob(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        owner_uid=_owner_uid(metadata),
        queue=(metadata.get("labels") or {}).get(QUEUE_LABEL),
        flavor=(metadata.get("labels") or {}).get(FLAVOR_LABEL),
        local_queue=(metadata.get("labels") or {}).get(LOCAL_QUEUE_LABEL),
        template_hash=(metadata.get("annotations") or {}).get(TEMPLATE_HASH),
        suspended=bool(spec.get("suspend")),
        released_before=PARAMETERS in (template.get("annotations") or {}),
        deleting=metadata.get("deletionTimestamp") is not None,
        succeeded=status.get("succeeded") or 0,
        failed=status.get("failed") or 0,
        complete=_true(conditions, "Complete") is not None,
        failure=_failure(_true(conditions, "Failed")),
    )


def pod(body: Mapping[str, Any]) -> Pod:
    """Read a Pod as the API server gives it."""
    metadata = body["metadata"]
    status = body.get("status") or {}
    conditions = _conditions(status)
    scheduled = conditions.get("PodScheduled", {})
    containers = [_container(told) for told in status.get("containerStatuses") or ()]
    return Pod(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        job=(metadata.get("labels") or {}).get(JOB_LABEL),
        owner_uid=_owner_uid(metadata),
        created=parse_time(metadata.get("creationTimestamp")),
        phase=status.get("phase") or "Pending",
        reason=status.get("reason") or "",
        message=status.get("message") or "",
        node=(body.get("spec") or {}).get("nodeName"),
        scheduled=(
            parse_time(scheduled.get("lastTransitionTime"))
            if scheduled.get("status") == "True"
            else None
        ),
        unschedulable=(
            scheduled.get("message") or "unschedulable"
            if scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable"
            else None
        ),
        disruption=_failure(_true(conditions, "DisruptionTarget")),
        init=_first_troubled(status.get("initContainerStatuses") or ()),
        container=next((c for c in containers if c.name == WORKER), None),
        beside=tuple(c.name for c in containers if c.name != WORKER and c.running_since),
        deleting=metadata.get("deletionTimestamp") is not None,
        node_silent=_node_silent(conditions),
        index=_index(metadata),
    )


def _node_silent(conditions: _Conditions) -> bool:
    """Whether the pod's node has stopped reporting.

    The node controller then takes the pod's readiness away, and nothing else; a kubelet that does
    so takes that of its containers away too, or says that a readiness gate is in the way.
    """
    if _true(conditions, "ContainersReady") is None:
        return False
    ready = conditions.get("Ready", {})
    return ready.get("status") == "False" and not ready.get("reason")


def _index(metadata: Mapping[str, Any]) -> int | None:
    index = (metadata.get("annotations") or {}).get(COMPLETION_INDEX)
    return None if index is None else int(index)


def _first_troubled(statuses: Any) -> Container | None:
    for found in map(_container, statuses):
        if found.waiting or (found.terminated and found.terminated.exit_code):
            return found
    return None


def _container(status: Mapping[str, Any]) -> Container:
    name, state = status["name"], status.get("state") or {}
    if waiting := state.get("waiting"):
        return Container(name, Waiting(waiting.get("reason") or "", waiting.get("message") or ""))
    if running := state.get("running"):
        return Container(name, running_since=parse_time(running.get("startedAt")))
    if terminated := state.get("terminated"):
        return Container(
            name,
            terminated=Terminated(
                exit_code=terminated.get("exitCode", 0),
                signal=terminated.get("signal"),
                reason=terminated.get("reason") or "",
                message=terminated.get("message") or "",
                started=parse_time(terminated.get("startedAt")),
                finished=parse_time(terminated.get("finishedAt")),
            ),
        )
    return Container(name)
