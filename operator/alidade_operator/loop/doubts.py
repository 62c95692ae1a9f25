"""Requests to let a job run of which it is not known whether they are, or will be, carried out.

One that was given up may still be carried out, for as long as the API server allows a request to
take. The job keeps its place until then: it may ask again, and nobody else is let in beside it.
"""

import asyncio
from dataclasses import dataclass

from alidade_core.api.job import Job
from alidade_operator.index.cache import Cache

# The API server's own limit (--request-timeout, 60 s), and as much for what is on its way.
LATE_SECONDS = 120.0


@dataclass(frozen=True)
class _Doubt:
    version: str | None
    end: asyncio.TimerHandle


class Doubts:
    """Keeps the places of jobs whose release was asked for without an answer.

    Args:
        cache: What is known.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._doubts: dict[str, _Doubt] = {}

    def note(self, job: Job, version: str | None) -> None:
        """Take note of a request without an answer, for as long as it can come about.

        Args:
            job: The job.
            version: The version of the batch/v1 Job that it was for, None where that was to be
                created.
        """
        uid = job.metadata.uid
        self.forget(uid)
        end = asyncio.get_running_loop().call_later(LATE_SECONDS, self.forget, uid)
        self._doubts[uid] = _Doubt(version, end)
        self._cache.doubt(uid)

    def look(self, job: Job) -> None:
        """See what became of the request, now that the batch/v1 Job was read after it."""
        doubt, batch_job = self._doubts.get(job.metadata.uid), self._cache.batch_job(job)
        if doubt and batch_job and batch_job.resource_version != doubt.version:
            # It was carried out, or never will be, as that version is not there any more.
            self.forget(job.metadata.uid)

    def forget(self, uid: str) -> None:
        """Give up the place that was kept for a job."""
        if doubt := self._doubts.pop(uid, None):
            doubt.end.cancel()
            self._cache.believe(uid)
