"""What the operator reads of batch/v1 Jobs and Pods: small, immutable views of them."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from alidade.domain import wire
from alidade.domain.words import clean

JOB_LABEL = "alidade.dev/job"
# A name may be used again; a UID never is.
JOB_UID_LABEL = "alidade.dev/job-uid"
EXPERIMENT_LABEL = "alidade.dev/experiment"
QUEUE_LABEL = "alidade.dev/queue"
FLAVOR_LABEL = "alidade.dev/flavor"
TEMPLATE_HASH = "alidade.dev/template-hash"
SUBMITTED_BY = "alidade.dev/submitted-by"
"""Annotation with the name of the user who created the Job, as admission policies have seen it."""
PARAMETERS = "alidade.dev/parameters"
RUN_ID = "alidade.dev/mlflow-run-id"
TRACKING_EXPERIMENT_ID = "alidade.dev/mlflow-experiment-id"
# Kueue's queue that we gave a batch/v1 Job to, empty for none; what else has it, seized it.
HANDED_OVER = "alidade.dev/local-queue"
LOCAL_QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
WORKER = "worker"
# No batch/v1 Job has more than 10^9 completions that it counts.
_INDEX_DIGITS = 9


class UnreadableError(ValueError):
    """An object that is nothing that an API server gives; the message names the field."""


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
    experiment: str | None
    flavor: str | None
    local_queue: str | None
    handed_over: str | None
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
    """A container of a pod: at most one of the three states.

    Attributes:
        name: Its name.
        waiting: Why it does not run yet.
        running_since: When it began to run, None where it does not.
        terminated: How it ended.
        last: How it ended the time before, where it is started again and again.
        restarts: Whether it is: a sidecar, that is an init container that restarts (KEP-753).
        started: Whether it has passed its startup probe, if it has one, and runs.
        image_id: What the runtime calls the image that it was made of.
    """

    name: str
    waiting: Waiting | None = None
    running_since: datetime | None = None
    terminated: Terminated | None = None
    last: Terminated | None = None
    restarts: bool = False
    started: bool = False
    image_id: str = ""

    @property
    def last_end(self) -> Terminated | None:
        """How it ended when it last did."""
        return self.terminated or self.last

    @property
    def last_words(self) -> str:
        """The termination message, empty where there is none."""
        return self.last_end.message if self.last_end else ""

    @property
    def ran(self) -> bool:
        """Whether a process of it has ever run."""
        return bool(self.running_since or (self.last_end and self.last_end.started))

    @property
    def fails(self) -> bool:
        """Whether it was started, and ended or ends with failure."""
        if self.waiting:
            return self.last is not None
        return bool(self.terminated and self.terminated.exit_code)


@dataclass(frozen=True, slots=True)
class Pod:
    """One attempt at a job, or at the part of it that one replica has.

    It ends with the last of its containers. What is said of containers is what the kubelet last
    reported: if `node_silent`, it may be so no longer.

    Attributes:
        job: The value of its label with the job's name.
        job_uid: The value of its label with the job's UID.
        queue: The value of its label with the name of the queue that let it run.
        experiment: The value of its label with the name of the experiment.
        owner_uid: UID of the batch/v1 Job that it is of.
        unschedulable: Why the scheduler finds no node for it, None where it does.
        disruption: Why Kubernetes stops it, or did (KEP-3329).
        stop_asked: When somebody asked for its end, None where nobody did.
        graceful: Whether it was given time to end when it was deleted, as one that has is not.
        stopped: Whether it was seen while it was being stopped and had yet to end.
        init: The init container that keeps it from its start, or kept it.
        container: The job's own container.
        sidecar: An init container that restarts and fails while the job's own container runs.
        beside: Names of the containers that run, other than the job's own.
        ran: Whether any container of it ever ran.
        memory_limit: The memory limit of the job's own container, None where it has none.
        probed: Whether the kubelet may kill that container, as it fails its liveness probe.
        index: Which replica it is.
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
    job_uid: str | None = None
    queue: str | None = None
    experiment: str | None = None
    stop_asked: datetime | None = None
    graceful: bool = False
    stopped: bool = False
    sidecar: Container | None = None
    ran: bool = False
    memory_limit: str | None = None
    probed: bool = False

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
        known = (c for c in (self.init, self.sidecar, self.container) if c is not None)
        return tuple(c for c in known if c.running_since or c.last_end)

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


def backing_job(body: Mapping[str, Any]) -> BackingJob:
    """Read a batch/v1 Job as the API server gives it.

    Raises:
        UnreadableError: It is no batch/v1 Job.
    """
    found = _read(wire.Job, body)
    metadata, spec, status = found.metadata, found.spec, found.status
    conditions = _conditions(status.conditions)
    return BackingJob(
        namespace=metadata.namespace,
        name=metadata.name,
        uid=metadata.uid,
        resource_version=metadata.resource_version,
        # Whoever takes the owner off it does not thereby change whose it is.
        owner_uid=metadata.controller or metadata.labels.get(JOB_UID_LABEL),
        queue=metadata.labels.get(QUEUE_LABEL),
        experiment=metadata.labels.get(EXPERIMENT_LABEL),
        flavor=metadata.labels.get(FLAVOR_LABEL),
        local_queue=metadata.labels.get(LOCAL_QUEUE_LABEL),
        handed_over=metadata.annotations.get(HANDED_OVER),
        template_hash=metadata.annotations.get(TEMPLATE_HASH),
        suspended=spec.suspend,
        released_before=PARAMETERS in spec.template.metadata.annotations,
        deleting=metadata.deletion_timestamp is not None,
        succeeded=status.succeeded,
        failed=status.failed,
        complete=_true(conditions, "Complete") is not None,
        failure=_failure(_true(conditions, "Failed")),
    )


def pod(body: Mapping[str, Any]) -> Pod:
    """Read a Pod as the API server gives it.

    Raises:
        UnreadableError: It is no Pod.
    """
    found = _read(wire.Pod, body)
    metadata, spec, status = found.metadata, found.spec, found.status
    conditions = _conditions(status.conditions)
    scheduled = conditions.get("PodScheduled", wire.Condition())
    disruption = _true(conditions, "DisruptionTarget")
    restarting = {c.name for c in spec.init_containers if c.restart_policy == "Always"}
    inits = [_container(told, restarting) for told in status.init_container_statuses]
    containers = [_container(told) for told in status.container_statuses]
    own = next((c for c in containers if c.name == WORKER), None)
    begun = own is not None and own.waiting is None
    troubled = next((c for c in inits if _keeps_from_start(c)), None)
    return Pod(
        namespace=metadata.namespace,
        name=metadata.name,
        uid=metadata.uid,
        resource_version=metadata.resource_version,
        job=metadata.labels.get(JOB_LABEL),
        job_uid=metadata.labels.get(JOB_UID_LABEL),
        queue=metadata.labels.get(QUEUE_LABEL),
        experiment=metadata.labels.get(EXPERIMENT_LABEL),
        owner_uid=metadata.controller,
        created=metadata.creation_timestamp,
        phase=status.phase or "Pending",
        reason=status.reason,
        message=status.message,
        node=spec.node_name or None,
        scheduled=scheduled.last_transition_time if scheduled.status == "True" else None,
        unschedulable=(
            scheduled.message or "unschedulable"
            if scheduled.status == "False" and scheduled.reason == "Unschedulable"
            else None
        ),
        disruption=_failure(disruption),
        stop_asked=_stop_asked(metadata, disruption),
        graceful=bool(metadata.deletion_grace_period_seconds),
        init=None if begun and troubled and troubled.restarts else troubled,
        sidecar=next((c for c in inits if begun and c.restarts and c.fails), None),
        container=own,
        beside=tuple(c.name for c in containers if c.name != WORKER and c.running_since),
        deleting=metadata.deletion_timestamp is not None,
        node_silent=_node_silent(conditions),
        ran=any(c.ran for c in (*inits, *containers)),
        memory_limit=_memory_limit(spec),
        probed=any(c.name == WORKER and c.liveness_probe for c in spec.containers),
        index=_index(metadata),
    )


W = TypeVar("W", bound=BaseModel)


def _read(model: type[W], body: Mapping[str, Any]) -> W:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the object"
        raise UnreadableError(f"{where}: {first['msg']}") from error


_Conditions = Mapping[str, wire.Condition]


def _conditions(conditions: Iterable[wire.Condition]) -> _Conditions:
    return {condition.type: condition for condition in conditions}


def _true(conditions: _Conditions, kind: str) -> wire.Condition | None:
    condition = conditions.get(kind)
    return condition if condition is not None and condition.status == "True" else None


def _failure(condition: wire.Condition | None) -> Failure | None:
    return None if condition is None else Failure(condition.reason, condition.message)


def _stop_asked(metadata: wire.ObjectMeta, disruption: wire.Condition | None) -> datetime | None:
    """Return when the end of a pod was asked for: its deletion, or what disrupts it, came first.

    What is deleted goes when its time of grace has passed, which its deletionTimestamp says.
    """
    asked = [disruption.last_transition_time] if disruption else []
    if metadata.deletion_timestamp is not None:
        grace = metadata.deletion_grace_period_seconds or 0
        try:
            asked.append(metadata.deletion_timestamp - timedelta(seconds=grace))
        except OverflowError:
            asked.append(metadata.deletion_timestamp)
    return min((time for time in asked if time is not None), default=None)


def _node_silent(conditions: _Conditions) -> bool:
    """Whether the pod's node has stopped reporting.

    The node controller then takes the pod's readiness away, and nothing else; a kubelet that does
    so takes that of its containers away too, or says that a readiness gate is in the way.
    """
    if _true(conditions, "ContainersReady") is None:
        return False
    ready = conditions.get("Ready", wire.Condition())
    return ready.status == "False" and not ready.reason


def _index(metadata: wire.ObjectMeta) -> int | None:
    index = metadata.annotations.get(COMPLETION_INDEX, "")
    known = index.isascii() and index.isdigit() and len(index) <= _INDEX_DIGITS
    return int(index) if known else None


def _memory_limit(spec: wire.PodSpec) -> str | None:
    own = [c.resources for c in spec.containers if c.name == WORKER]
    limits = (resources.limits.get("memory") for resources in (*own, spec.resources))
    return next((clean(str(limit)) for limit in limits if limit), None)


def _keeps_from_start(init: Container) -> bool:
    """Whether the containers after an init container wait for it, and not only for their turn."""
    if init.waiting or (init.terminated and init.terminated.exit_code):
        return True
    return init.restarts and not init.started and init.last_end is not None


def _container(status: wire.ContainerStatus, restarting: Set[str] = frozenset()) -> Container:
    state, last = status.state, status.last_state.terminated
    return Container(
        status.name,
        waiting=Waiting(state.waiting.reason, state.waiting.message) if state.waiting else None,
        running_since=state.running.started_at if state.running else None,
        terminated=_terminated(state.terminated) if state.terminated else None,
        last=_terminated(last) if last else None,
        restarts=status.name in restarting,
        started=status.started,
        image_id=status.image_id,
    )


def _terminated(ended: wire.Terminated) -> Terminated:
    return Terminated(
        exit_code=ended.exit_code,
        signal=ended.signal,
        reason=ended.reason,
        message=ended.message,
        started=ended.started_at,
        finished=ended.finished_at,
    )
