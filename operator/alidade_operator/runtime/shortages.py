"""Namespaces in which a quota takes no more batch/v1 Jobs, and who was refused one there.

It lives as long as the process: a later one finds out again by being refused.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from alidade_core.api.job import Job
from alidade_operator.domain import room
from alidade_operator.domain.graph import Key
from alidade_operator.domain.observed import BackingJob
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    ApiError,
    ConflictError,
    Gateway,
    NotFoundError,
    UnavailableError,
)
from alidade_operator.runtime.cache import Cache

# The quota controller counts what was deleted within a moment, not at once.
COUNTED_AFTER_SECONDS = 10

log = structlog.get_logger(__name__)


@dataclass
class _Shortage:
    since: datetime
    refused: dict[str, Key] = field(default_factory=dict)
    yielded: dict[str, datetime] = field(default_factory=dict)


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

    async def make_room(self, job: Job) -> bool:
        """Have one batch/v1 Job deleted in favour of a job that could run; say if that helps.

        Raises:
            ApiError: The API server could not be asked.
        """
        known, uid, now = self._known[job.metadata.namespace], job.metadata.uid, self._clock()
        known.refused[uid] = job.key
        last = known.yielded.get(uid)
        if last is not None and now - last < timedelta(seconds=COUNTED_AFTER_SECONDS):
            return True
        found = room.who_yields(self._standing(job.metadata.namespace))
        if found is None:
            return False
        known.yielded[uid] = now
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

    def served(self, job: Job) -> None:
        """Take note that a job is not refused any more."""
        known = self._known.get(job.metadata.namespace)
        if known:
            known.refused.pop(job.metadata.uid, None)
            known.yielded.pop(job.metadata.uid, None)

    def next_refused(self, namespace: str) -> Job | None:
        """Return the job that comes first of those that were refused, None where none was."""
        known = self._known.get(namespace)
        jobs = (self._cache.jobs.get(key) for key in known.refused.values()) if known else ()
        return min((job for job in jobs if job), key=room.turn, default=None)

    def _standing(self, namespace: str) -> Iterator[tuple[BackingJob, Job]]:
        for key, backing in self._cache.backings.items():
            job = self._cache.jobs.get(key) if key[0] == namespace else None
            if job is not None and job.metadata.uid == backing.owner_uid:
                yield backing, job
