"""Requests to let a job run of which it is not known whether they are, or will be, carried out.

One that was given up may still be carried out, for as long as the API server allows a request to
take. The job keeps its place until then: it may ask again, and nobody else is let in beside it.
"""

import asyncio
from dataclasses import dataclass

from alidade.api.job import Job
from alidade.runtime.cache import Cache, WorkKey
from alidade.runtime.workqueue import WorkQueue

# The API server's own limit (--request-timeout, 60 s), and as much for what is on its way.
LATE_SECONDS = 120.0


@dataclass(frozen=True)
class _Doubt:
    version: str | None
    until: float


class Doubts:
    """Keeps the places of jobs whose release was asked for without an answer.

    Args:
        cache: What is known.
        queue: Where keys are left that are to be looked at again.
    """

    def __init__(self, cache: Cache, queue: WorkQueue[WorkKey]) -> None:
        self._cache = cache
        self._queue = queue
        self._doubts: dict[str, _Doubt] = {}

    def note(self, key: WorkKey, job: Job, version: str | None) -> None:
        """Take note of a request without an answer.

        Args:
            key: The job's key.
            job: The job.
            version: The version of the batch/v1 Job that it was for, None where that was to be
                created.
        """
        self.forget(job.metadata.uid)
        until = asyncio.get_running_loop().time() + LATE_SECONDS
        self._doubts[job.metadata.uid] = _Doubt(version, until)
        self._cache.doubt(job.metadata.uid)
        self._queue.add_after(key, LATE_SECONDS)

    def look(self, job: Job) -> None:
        """See what became of the request, now that the batch/v1 Job was read after it."""
        doubt, backing = self._doubts.get(job.metadata.uid), self._cache.backing(job)
        if doubt and backing and backing.resource_version != doubt.version:
            # It was carried out, or never will be, as that version is not there any more.
            self.forget(job.metadata.uid)

    def expire(self, key: WorkKey, job: Job) -> None:
        """Give the place up if what was asked for cannot come about any more."""
        doubt = self._doubts.get(job.metadata.uid)
        if doubt is None:
            return
        left = doubt.until - asyncio.get_running_loop().time()
        if left > 0:
            # Whatever came up sooner took the place of what was to come later.
            self._queue.add_after(key, left)
        else:
            self.forget(job.metadata.uid)

    def forget(self, uid: str) -> None:
        """Forget what was asked for a job."""
        if self._doubts.pop(uid, None):
            self._cache.believe(uid)
