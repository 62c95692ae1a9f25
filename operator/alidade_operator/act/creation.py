"""Creating what stands behind a job and letting it run, or finding out why that cannot be."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from alidade_core.api.job import Job
from alidade_core.api.reason import Reason
from alidade_operator.decide import refusal
from alidade_operator.decide.actions import CreateBatchJob, Release
from alidade_operator.decide.admission import kueue
from alidade_operator.decide.make.unnamed_fields import unnamed_fields
from alidade_operator.decide.rejection import Rejection
from alidade_operator.index.cache import Cache
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    SERVICES,
    ApiError,
    Body,
    ConflictError,
    Gateway,
    Kind,
    NotFoundError,
    UnavailableError,
)
from alidade_operator.objects.reading import read_batch_job
from alidade_operator.objects.well_known import TEMPLATE_HASH

_WHAT = {BATCH_JOBS: "batch/v1 Job", SERVICES: "Service"}
_ALREADY_EXISTS = "AlreadyExists"
# What bears the job's name and is going is gone in a moment.
_GOING_SECONDS = 2.0


def leaves_open(error: ApiError) -> bool:
    """Whether it is not known after an error if what was asked for has been done."""
    return isinstance(error, UnavailableError) and not refusal.is_told(error.status)


class Creator:
    """Creates batch/v1 Jobs and releases them, and has Services before those whose pods meet.

    Args:
        cache: Where what was created or changed is put.
        gateway: The Kubernetes API.
        see: Called with kind and object of what was there already: it may be there unseen.
        clock: The time.
    """

    def __init__(
        self,
        cache: Cache,
        gateway: Gateway,
        see: Callable[[Kind, Body], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._gateway = gateway
        self._see = see
        self._clock = clock

    async def create(
        self, job: Job, action: CreateBatchJob, before: Rejection | None
    ) -> Rejection | None:
        """Create a job's batch/v1 Job, and its Service if it is to have one.

        Args:
            job: The job.
            action: What to create.
            before: Why that was refused the last time.

        Returns:
            Why it was refused, None where both are there.

        Raises:
            ApiError: It is not known whether they are.
        """
        rejection = await self._have(SERVICES, job, action.service, before)
        return rejection or await self._have(BATCH_JOBS, job, action.manifest, before)

    async def release(
        self, job: Job, action: Release, before: Rejection | None
    ) -> Rejection | None:
        """Let a job's batch/v1 Job run, once its Service is there if it is to have one.

        Returns:
            Why that was refused, None where it was not.

        Raises:
            ConflictError, NotFoundError: It is not, or no longer, as it was known.
            ApiError: It is not known whether it may run.
        """
        if rejection := await self._have(SERVICES, job, action.service, before):
            return rejection
        try:
            body = await self._gateway.patch(BATCH_JOBS, *job.key, action.patch)
        except (ConflictError, NotFoundError):
            raise
        except ApiError as error:
            return self._refused("release of batch/v1 Job", error, before)
        self._cache.put_answer(BATCH_JOBS, body)
        return None

    async def have_service(
        self, job: Job, service: Body, before: Rejection | None
    ) -> Rejection | None:
        """See that a job's Service is there; return why it is refused, None where it is not.

        Args:
            job: The job.
            service: The Service.
            before: Why that was refused the last time.

        Raises:
            ApiError: It is not known whether it is.
        """
        return await self._have(SERVICES, job, service, before)

    async def _have(
        self, kind: Kind, job: Job, wanted: Body | None, before: Rejection | None
    ) -> Rejection | None:
        if wanted is None:
            return None
        try:
            body = await self._gateway.create(kind, job.metadata.namespace, wanted)
        except ConflictError as error:
            if error.status.get("reason", _ALREADY_EXISTS) != _ALREADY_EXISTS:
                # The quota was counted by two at a time.
                raise UnavailableError(str(error)) from error
            return await self._whose(kind, job, before)
        except ApiError as error:
            return self._refused(_WHAT[kind], error, before, wanted)
        self._cache.put(kind, body)
        if kind == BATCH_JOBS and kueue.taken_unasked(batch_job := read_batch_job(body)):
            return self._rejection(kueue.SEIZED, kueue.why_let_go(batch_job), before)
        return None

    async def _whose(self, kind: Kind, job: Job, before: Rejection | None) -> Rejection | None:
        """Find out whose the object is that already has the job's name."""
        body = await self._gateway.get(kind, *job.key)
        metadata = body["metadata"]
        owners = metadata.get("ownerReferences") or ()
        if any(owner["uid"] == job.metadata.uid for owner in owners):
            self._see(kind, body)
            return None
        owner = next((f"{o['kind']} {o['name']}" for o in owners), "nobody")
        what = f"a {_WHAT[kind]} '{job.metadata.name}' exists that belongs to {owner}"
        if "deletionTimestamp" in metadata or _is_of_its_name(owners, job):
            message = f"{what}; it waits until that one is gone"
            return self._rejection(Reason.NAME_CONFLICT, message, before, pause=_GOING_SECONDS)
        message = f"{what}; delete that one, or give this job another name"
        return self._rejection(Reason.NAME_CONFLICT, message, before)

    def _refused(
        self, what: str, error: ApiError, before: Rejection | None, wanted: Body | None = None
    ) -> Rejection:
        message, status = f"{what} refused: {error}", error.status
        if refusal.is_final(status):
            if refusal.names_no_field(status):
                message = "; ".join((message, *unnamed_fields((wanted or {}).get("spec"))))
            return self._rejection(
                Reason.BACKING_JOB_INVALID,
                message,
                before,
                final=True,
                fields=refusal.fields(status),
                of=_told_apart_by(wanted or {}),
            )
        if leaves_open(error):
            raise error
        short = refusal.is_for_want_of_jobs(status)
        return self._rejection(Reason.BACKING_JOB_REJECTED, message, before, short=short)

    def _rejection(
        self, reason: str, message: str, before: Rejection | None, **more: Any
    ) -> Rejection:
        return Rejection.next(before, reason, message, self._clock(), **more)


def _told_apart_by(manifest: Body) -> str:
    annotations = manifest.get("metadata", {}).get("annotations", {})
    return str(annotations.get(TEMPLATE_HASH, ""))


def _is_of_its_name(owners: Any, job: Job) -> bool:
    """Whether it is of an earlier job of this name, whose garbage has yet to be collected."""
    names = {(owner.get("apiVersion"), owner["kind"], owner["name"]) for owner in owners}
    return any(
        (version or "").startswith("alidade.dev/") and (kind, name) == ("Job", job.metadata.name)
        for version, kind, name in names
    )
