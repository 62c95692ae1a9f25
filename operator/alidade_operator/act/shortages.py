"""Namespaces in which a quota takes no more batch/v1 Jobs, and who was refused one there.

It lives as long as the process: a later one finds out again by being refused.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from alidade_core.api.job import Job
from alidade_operator.act.inquiries import read_workload
from alidade_operator.decide.admission import quota
from alidade_operator.decide.rejection import Refused
from alidade_operator.index.cache import Cache
from alidade_operator.index.graph import Key
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    ApiError,
    ConflictError,
    Gateway,
    NotFoundError,
    UnavailableError,
)
from alidade_operator.objects.views import BatchJob

# The quota controller counts what was deleted within a moment, not at once.
COUNTED_AFTER_SECONDS = 10

log = structlog.get_logger(__name__)


@dataclass
class _Asker:
    key: Key
    at: datetime
    through_kueue: bool
    given_room: datetime | None = None


@dataclass
class _Shortage:
    since: datetime
    refused: dict[str, _Asker] = field(default_factory=dict)


class Shortages:
    """Remembers who was refused, and makes room for those who could run.

    Args:
        cache: What is known of the cluster.
        gateway: The Kubernetes API.
        clock: The time.
    """

    def __init__(self, cache: Cache, gateway: Gateway, clock: Callable[[], datetime]) -> None:
        self._cache = cache
        self._gateway = gateway
        self._clock = clock
        self._known: dict[str, _Shortage] = {}

    def since(self, namespace: str) -> datetime | None:
        """Return when a quota of the namespace last refused a batch/v1 Job, None where none did."""
        known = self._known.get(namespace)
        return known.since if known else None

    def note(self, namespace: str) -> None:
        """Take note that a batch/v1 Job was refused."""
        now = self._clock()
        self._known.setdefault(namespace, _Shortage(now)).since = now

    async def make_room(self, job: Job, *, through_kueue: bool) -> bool:
        """Have one batch/v1 Job deleted in favour of a job that could run; say if that helps.

        Args:
            job: The job, which was refused.
            through_kueue: Whether Kueue is to say when it runs.

        Raises:
            ApiError: The API server could not be asked.
        """
        known, uid, now = self._known[job.metadata.namespace], job.metadata.uid, self._clock()
        asker = known.refused.setdefault(uid, _Asker(job.key, now, through_kueue))
        asker.at, asker.through_kueue = now, through_kueue
        last = asker.given_room
        if last is not None and now - last < timedelta(seconds=COUNTED_AFTER_SECONDS):
            return True
        found = await self._who_yields(Refused(job, now, through_kueue))
        if found is None:
            return False
        asker.given_room = now
        log.info("quota.room", namespace=found.namespace, deleted=found.name, job=job.metadata.name)
        try:
            going = await self._gateway.delete(
                BATCH_JOBS, found.namespace, found.name, found.uid, version=found.resource_version
            )
        except (NotFoundError, ConflictError):
            return True
        except UnavailableError:
            raise
        except ApiError as error:
            log.warning("quota.no_room", namespace=found.namespace, error=str(error))
            return False
        if going:
            self._cache.put_answer(BATCH_JOBS, going)
        return True

    def served(self, job: Job) -> bool:
        """Take note that a job is not refused any more; say if it was."""
        known = self._known.get(job.metadata.namespace)
        return known is not None and known.refused.pop(job.metadata.uid, None) is not None

    def next_refused(self, namespace: str) -> Refused | None:
        """Return who comes first of those that were refused, None where none was."""
        known = self._known.get(namespace)
        asked = known.refused.values() if known else ()
        found = ((self._cache.jobs.get(asker.key), asker) for asker in asked)
        return quota.who_comes_first(
            Refused(job, asker.at, asker.through_kueue) for job, asker in found if job
        )

    def standing_by(self, namespace: str) -> Iterator[Key]:
        """Yield the keys of the jobs that have no batch/v1 Job, and are for Kueue."""
        for key, job in self._cache.jobs.items():
            if key[0] != namespace or job.status.ended or self._cache.batch_job(job):
                continue
            queue = self._cache.queues.get(self._cache.queue_of(job) or key)
            if queue and queue.spec.kueue_local_queue:
                yield key

    async def _who_yields(self, to: Refused) -> BatchJob | None:
        """Return whose room may be taken; what Kueue says is asked for as of now."""
        namespace = to.job.metadata.namespace
        reserved: set[str] = set()
        while found := quota.who_yields(self._standing(namespace), to, reserved):
            if found.local_queue is None or found.ended:
                return found
            view = await read_workload(self._gateway, namespace, found.uid, self._clock())
            if not view.reserved:
                return found
            reserved.add(found.uid)
        return None

    def _standing(self, namespace: str) -> Iterator[tuple[BatchJob, Job]]:
        for key, batch_job in self._cache.batch_jobs.items():
            job = self._cache.jobs.get(key) if key[0] == namespace else None
            if job is not None and job.metadata.uid == batch_job.owner_uid:
                yield batch_job, job
