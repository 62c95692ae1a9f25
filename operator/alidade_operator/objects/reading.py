"""Reading batch/v1 Jobs and Pods as the API server gives them, whatever they are."""

from collections.abc import Iterable, Mapping, Set
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from alidade_core.words import clean
from alidade_operator.objects import ownership, wire
from alidade_operator.objects.views import BatchJob, Container, Failure, Pod, Terminated, Waiting
from alidade_operator.objects.well_known import (
    COMPLETION_INDEX,
    EXPERIMENT_LABEL,
    FLAVOR_LABEL,
    HANDED_OVER,
    INPUTS,
    JOB_LABEL,
    JOB_UID_LABEL,
    LOCAL_QUEUE_LABEL,
    PARAMETERS,
    QUEUE_LABEL,
    RUN_ID,
    TEMPLATE_HASH,
    WORKER,
)

# No batch/v1 Job has more than 10^9 completions that it counts.
_INDEX_DIGITS = 9
# The job controller takes this finalizer off a pod that it has counted.
_TRACKING = "batch.kubernetes.io/job-tracking"


class UnreadableError(ValueError):
    """An object that is nothing that an API server gives; the message names the field."""


def read_batch_job(body: Mapping[str, Any]) -> BatchJob:
    """Read a batch/v1 Job as the API server gives it.

    Raises:
        UnreadableError: It is no batch/v1 Job.
    """
    found = _read(wire.Job, body)
    metadata, spec, status = found.metadata, found.spec, found.status
    conditions, template = _conditions(status.conditions), spec.template.metadata
    # A template stays what it is once its pods run, whatever somebody writes onto the rest.
    labels = {**metadata.labels, **ownership.ours(template.labels)}
    return BatchJob(
        namespace=metadata.namespace,
        name=metadata.name,
        uid=metadata.uid,
        resource_version=metadata.resource_version,
        owner_uid=_owner_of(metadata, template),
        queue=labels.get(QUEUE_LABEL),
        experiment=labels.get(EXPERIMENT_LABEL),
        flavor=labels.get(FLAVOR_LABEL),
        local_queue=metadata.labels.get(LOCAL_QUEUE_LABEL),
        handed_over=metadata.annotations.get(HANDED_OVER),
        template_hash=metadata.annotations.get(TEMPLATE_HASH),
        suspended=spec.suspend,
        released_before=PARAMETERS in template.annotations,
        run_id=template.annotations.get(RUN_ID) or None,
        deleting=metadata.deletion_timestamp is not None,
        succeeded=status.succeeded,
        failed=status.failed,
        inputs=metadata.annotations.get(INPUTS),
        done=_ranges(status.completed_indexes),
        complete=_true(conditions, "Complete") is not None,
        failure=_failure(_true(conditions, "Failed")),
    )


def _owner_of(metadata: wire.ObjectMeta, template: wire.TemplateMeta) -> str | None:
    """Return the UID of the Job that a batch/v1 Job is of.

    Whoever takes its owner off it, or writes another there, does not thereby change whose it is.
    One that somebody has made from it bears another name, and is no Job's.
    """
    if template.labels.get(JOB_LABEL, metadata.name) != metadata.name:
        return None
    owner = template.labels.get(JOB_UID_LABEL) or metadata.controller
    return owner or metadata.labels.get(JOB_UID_LABEL)


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
        clock_late=_clock_late(scheduled, status.start_time),
        counted=_TRACKING not in metadata.finalizers,
        init=None if begun and troubled and troubled.restarts else troubled,
        sidecar=next((c for c in inits if begun and c.restarts and c.fails), None),
        container=own,
        beside=tuple(c.name for c in containers if c.name != WORKER and c.running_since),
        deleting=metadata.deletion_timestamp is not None,
        node_silent=_node_silent(conditions),
        ran=any(c.ran for c in (*inits, *containers)),
        image=next((c.image for c in spec.containers if c.name == WORKER), ""),
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


def _clock_late(scheduled: wire.Condition, taken_on: datetime | None) -> timedelta:
    """Return by how much a pod's kubelet says that it took it on before it was given to its node.

    The API server stamps the latter itself, and the kubelet takes on what it is given within a
    moment. A clock that is ahead does not show: it looks like a kubelet that took its time.
    """
    given = scheduled.last_transition_time
    if scheduled.status != "True" or given is None or taken_on is None:
        return timedelta()
    return max(given - taken_on, timedelta())


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
    return _number(metadata.annotations.get(COMPLETION_INDEX, ""))


def _number(text: str) -> int | None:
    known = text.isascii() and text.isdigit() and len(text) <= _INDEX_DIGITS
    return int(text) if known else None


def _ranges(text: str) -> tuple[range, ...]:
    """Read indices as batch/v1 lists them: "0,2-4"."""
    parts = (part.partition("-") for part in text.split(","))
    ends = ((_number(first), _number(last or first)) for first, _, last in parts)
    return tuple(range(a, b + 1) for a, b in ends if a is not None and b is not None)


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
