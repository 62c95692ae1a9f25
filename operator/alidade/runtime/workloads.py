"""What Kueue says of the batch/v1 Jobs that were handed over to it."""

from datetime import datetime

from alidade.domain import kueue
from alidade.domain.snapshot import WorkloadView
from alidade.kube.gateway import WORKLOADS, ForbiddenError, Gateway, NotFoundError


async def read_workload(
    gateway: Gateway, namespace: str, job_uid: str, now: datetime
) -> WorkloadView:
    """Read the Workload of a batch/v1 Job.

    They are asked for and not watched, as few jobs wait for Kueue at a time, and as Kueue may come
    and go while the operator runs.

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
        return WorkloadView(now, "there is no Kueue on this cluster (no workloads.kueue.x-k8s.io)")
    except ForbiddenError as error:
        return WorkloadView(now, f"why is not known: {error}")
    return kueue.read(found, now)
