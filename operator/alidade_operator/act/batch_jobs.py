"""The batch/v1 Jobs of jobs: made, let run, stopped and deleted; and what came of the last try."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from alidade_core.api.job import Job
from alidade_core.api.reason import Reason
from alidade_operator.act.creation import Creator, leaves_open
from alidade_operator.act.shortages import Shortages
from alidade_operator.decide.actions import (
    Action,
    CreateBatchJob,
    DeleteBatchJob,
    DeleteJob,
    HaveService,
    Release,
    Suspend,
)
from alidade_operator.decide.refused import WHAT
from alidade_operator.decide.rejection import Refused, Rejection
from alidade_operator.index.cache import Cache
from alidade_operator.index.graph import Key
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    JOBS,
    ApiError,
    Body,
    ConflictError,
    Gateway,
    Kind,
    NotFoundError,
)
from alidade_operator.objects.well_known import LOCAL_QUEUE_LABEL

# After room was made in a quota, whose controller counts what was deleted within a moment.
ROOM_SECONDS = 2.0

BatchJobAction = CreateBatchJob | Release | Suspend | DeleteBatchJob | HaveService | DeleteJob


@dataclass(frozen=True)
class Tries:
    """What came of what was tried for a job, as far as this process knows.

    Attributes:
        rejection: Why its batch/v1 Job was refused the last time, None where it was not.
        refused: Why other things were refused the last time, by the kind of action.
        service_seen: When its Service was last known to be there.
    """

    rejection: Rejection | None = None
    refused: Mapping[type[Action], Rejection] = field(default_factory=dict)
    service_seen: datetime | None = None


class BatchJobs:
    """Does what plans ask for with batch/v1 Jobs.

    Args:
        cache: Where answers are put.
        gateway: The Kubernetes API.
        see: Called with kind and object of what was found by its name.
        clock: The time.
        wake: Called with the key of a job that has reason to look again.
    """

    def __init__(
        self,
        cache: Cache,
        gateway: Gateway,
        see: Callable[[Kind, Body], None],
        clock: Callable[[], datetime],
        wake: Callable[[Key], None],
    ) -> None:
        self._cache = cache
        self._gateway = gateway
        self._clock = clock
        self._wake = wake
        self._creator = Creator(cache, gateway, see, clock)
        self._shortages = Shortages(cache, gateway, clock)
        self._tries: dict[str, Tries] = {}

    def tries(self, uid: str) -> Tries:
        """Return what came of what was tried for a job."""
        return self._tries.get(uid, Tries())

    def short_since(self, namespace: str) -> datetime | None:
        """Return when a quota last took no batch/v1 Job of a namespace, None where none did."""
        return self._shortages.since(namespace)

    def next_refused(self, namespace: str) -> Refused | None:
        """Return who comes first of those that a quota refused, None where it refused none."""
        return self._shortages.next_refused(namespace)

    def forget(self, job: Job) -> None:
        """Forget a job that is gone."""
        self._tries.pop(job.metadata.uid, None)
        self._note_served(job)

    def note_end(self, job: Job) -> None:
        """Take note that a job has ended, and needs no batch/v1 Job that it was refused."""
        self._note_served(job)

    def note_settled(self, namespace: str) -> None:
        """Let a job that a quota refused ask at once, as another needs its batch/v1 Job no more."""
        refused = self._shortages.next_refused(namespace)
        rejection = self.tries(refused.job.metadata.uid).rejection if refused else None
        if refused and rejection:
            self._note(refused.job, rejection=replace(rejection, pause=0))

    async def act(self, job: Job, action: BatchJobAction) -> None:
        """Do what is asked for; take note where it is refused.

        Raises:
            ConflictError, NotFoundError: Something is not as it was known.
            ApiError: It is not known whether it is done.
        """
        try:
            refused = await self._do(job, action)
        except (ConflictError, NotFoundError):
            raise
        except ApiError as error:
            what = WHAT.get(type(action))
            if what is None or leaves_open(error):
                raise
            before = self.tries(job.metadata.uid).refused.get(type(action))
            message = f"{what} refused: {error}"
            refused = Rejection.next(before, Reason.REQUEST_REFUSED, message, self._clock())
        known = self.tries(job.metadata.uid).refused
        others = {kind: found for kind, found in known.items() if kind is not type(action)}
        self._note(job, refused={**others, type(action): refused} if refused else others)

    async def _do(self, job: Job, action: BatchJobAction) -> Rejection | None:
        """Do what is asked for; return why it is refused, where the answer is no error."""
        match action:
            case CreateBatchJob():
                await self._create(job, action)
            case Release():
                before = self.tries(job.metadata.uid).rejection
                rejection = await self._creator.release(job, action, before)
                self._note(job, rejection=rejection, **self._seen(action, rejection))
            case Suspend(patch):
                body = await self._gateway.patch(BATCH_JOBS, *job.key, patch)
                self._cache.put_answer(BATCH_JOBS, body)
            case DeleteBatchJob(uid, version, foreground):
                going = await self._gateway.delete(
                    BATCH_JOBS, *job.key, uid, foreground=foreground, version=version
                )
                if going:
                    self._cache.put_answer(BATCH_JOBS, going)
            case HaveService(service):
                before = self.tries(job.metadata.uid).refused.get(HaveService)
                refused = await self._creator.have_service(job, service, before)
                if refused is not None:
                    return refused
                self._note(job, service_seen=self._clock())
            case DeleteJob():
                namespace, _ = job.key
                self._cache.tally((namespace, job.spec.experiment)).expire(job.metadata.uid)
                uid, version = job.metadata.uid, job.metadata.resource_version
                await self._gateway.delete(JOBS, *job.key, uid, version=version)
        return None

    async def _create(self, job: Job, action: CreateBatchJob) -> None:
        before = self.tries(job.metadata.uid).rejection
        rejection = await self._creator.create(job, action, before)
        if rejection is None:
            self._note_served(job)
        elif rejection.short:
            self._shortages.note(job.metadata.namespace)
            if not action.runs:
                # It only shows that the job waits: nothing that the job needs was refused.
                rejection = before
            elif await self._shortages.make_room(job, through_kueue=_is_for_kueue(action)):
                rejection = replace(rejection, tries=0, pause=ROOM_SECONDS)
        self._note(job, rejection=rejection, **self._seen(action, rejection))

    def _note_served(self, job: Job) -> None:
        if self._shortages.served(job):
            for key in tuple(self._shortages.standing_by(job.metadata.namespace)):
                self._wake(key)

    def _seen(
        self, action: CreateBatchJob | Release, rejection: Rejection | None
    ) -> dict[str, Any]:
        return {"service_seen": self._clock()} if action.service and not rejection else {}

    def _note(self, job: Job, **news: Any) -> None:
        known = self.tries(job.metadata.uid)
        noted = replace(known, **news)
        if noted != known:
            self._tries[job.metadata.uid] = noted
            self._wake(job.key)


def _is_for_kueue(action: CreateBatchJob) -> bool:
    return LOCAL_QUEUE_LABEL in action.manifest["metadata"]["labels"]
