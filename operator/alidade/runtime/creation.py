"""Creating what stands behind a job, or finding out why that cannot be."""

from collections.abc import Callable
from datetime import datetime

from alidade.api.job import Job
from alidade.api.reason import Reason
from alidade.domain import kueue, replicas
from alidade.domain.observed import backing_job
from alidade.domain.snapshot import Rejection
from alidade.kube.gateway import (
    BATCH_JOBS,
    SERVICES,
    Body,
    ConflictError,
    ForbiddenError,
    Gateway,
    InvalidError,
    Kind,
)
from alidade.runtime.cache import Cache

_WHAT = {BATCH_JOBS: "batch/v1 Job", SERVICES: "Service"}


class Creator:
    """Creates batch/v1 Jobs, and Services before those whose pods meet.

    Args:
        cache: Where what was created is put.
        gateway: The Kubernetes API.
        clock: The time.
    """

    def __init__(self, cache: Cache, gateway: Gateway, clock: Callable[[], datetime]) -> None:
        self._cache = cache
        self._gateway = gateway
        self._clock = clock

    async def create(self, job: Job, manifest: Body) -> Rejection | None:
        """Create a job's batch/v1 Job, and its Service if it has one.

        Returns:
            Why that was refused, None where both are there.

        Raises:
            ApiError: It is not known whether they are.
        """
        service = replicas.service(manifest)
        rejection = await self._create(SERVICES, job, service) if service else None
        return rejection or await self._create(BATCH_JOBS, job, manifest)

    async def _create(self, kind: Kind, job: Job, manifest: Body) -> Rejection | None:
        what = _WHAT[kind]
        try:
            body = await self._gateway.create(kind, job.metadata.namespace, manifest)
        except ConflictError:
            return await self._whose(kind, job)
        except ForbiddenError as error:
            return self._rejection(Reason.BACKING_JOB_REJECTED, f"{what} refused: {error}")
        except InvalidError as error:
            return self._rejection(
                Reason.BACKING_JOB_INVALID, f"{what} refused: {error}", final=True
            )
        self._cache.put(kind, body)
        if kind == BATCH_JOBS and kueue.seized(backing := backing_job(body)):
            return self._rejection(kueue.SEIZED, kueue.why_let_go(backing))
        return None

    async def _whose(self, kind: Kind, job: Job) -> Rejection | None:
        """Find out whose the object is that already has the job's name."""
        body = await self._gateway.get(kind, *job.key)
        owners = body["metadata"].get("ownerReferences") or ()
        if any(owner["uid"] == job.metadata.uid for owner in owners):
            self._cache.put(kind, body)
            return None
        owner = next((f"{o['kind']} {o['name']}" for o in owners), "nobody")
        return self._rejection(
            Reason.NAME_CONFLICT,
            f"a {_WHAT[kind]} '{job.metadata.name}' exists that belongs to {owner}; "
            "delete that one, or give this job another name",
        )

    def _rejection(self, reason: str, message: str, *, final: bool = False) -> Rejection:
        return Rejection(reason, message, final, self._clock())
