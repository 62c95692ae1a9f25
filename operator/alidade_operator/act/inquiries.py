"""What is asked about a job only while it waits, and not watched for all."""

from datetime import datetime

from alidade_operator.decide.admission import kueue
from alidade_operator.decide.answers import Trace, WarningView, WorkloadView
from alidade_operator.decide.follow import pod_warnings, traces
from alidade_operator.kube.gateway import (
    EVENTS,
    NAMESPACES,
    WORKLOADS,
    Body,
    ForbiddenError,
    Gateway,
    NotFoundError,
)


async def read_workload(
    gateway: Gateway, namespace: str, job_uid: str, now: datetime
) -> WorkloadView:
    """Ask Kueue why it does not admit a batch/v1 Job. It may come and go while the operator runs.

    Args:
        gateway: The Kubernetes API.
        namespace: The Job's namespace.
        job_uid: The Job's UID.
        now: The time.

    Raises:
        ApiError: The API server could not be asked.
    """
    selector = f"{kueue.JOB_UID_LABEL}={job_uid}"
    try:
        found = [w async for w in gateway.list_all(WORKLOADS, namespace, selector)]
    except NotFoundError:
        version = f"{WORKLOADS.group}/{WORKLOADS.version}"
        return WorkloadView(
            now, f"there is no Kueue on this cluster, or one older than 0.15 (no {version})"
        )
    except ForbiddenError as error:
        return WorkloadView(now, f"why is not known: {error}")
    return kueue.read(found, now)


async def is_ending(gateway: Gateway, namespace: str) -> bool:
    """Ask whether a namespace is being deleted, and all that is in it; not where that is forbidden.

    Args:
        gateway: The Kubernetes API.
        namespace: Its name.

    Raises:
        ApiError: The API server could not be asked.
    """
    try:
        body = await gateway.get(NAMESPACES, namespace, namespace)
    except NotFoundError:
        return True
    except ForbiddenError:
        return False
    return "deletionTimestamp" in body["metadata"]


async def read_warnings(
    gateway: Gateway, namespace: str, about: str, now: datetime, before: WarningView | None = None
) -> WarningView:
    """Ask for the last warning about a batch/v1 Job or a pod.

    Args:
        gateway: The Kubernetes API.
        namespace: The object's namespace.
        about: The object's UID.
        now: The time.
        before: What was read before.

    Raises:
        ApiError: The API server could not be asked.
    """
    fields = f"regarding.uid={about},type=Warning"
    found = [e async for e in gateway.list_all(EVENTS, namespace, fields=fields)]
    return pod_warnings.read(found, now, before)


async def read_traces(gateway: Gateway, namespace: str, job_uid: str) -> tuple[Trace, ...]:
    """Ask events for the pods that a batch/v1 Job had, and for which of them were stopped.

    Args:
        gateway: The Kubernetes API.
        namespace: The Job's namespace.
        job_uid: The Job's UID.

    Raises:
        ApiError: The API server could not be asked.
    """

    async def events(fields: str) -> list[Body]:
        return [e async for e in gateway.list_all(EVENTS, namespace, fields=fields)]

    try:
        created = await events(f"regarding.uid={job_uid},reason={traces.CREATED}")
        stops = await events(f"regarding.kind=Pod,reason={traces.STOPPED}")
    except ForbiddenError:
        # Without the right to read events nothing says that one was stopped.
        return ()
    return traces.read(created, stops)
