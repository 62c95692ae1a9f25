"""Runs whose jobs were deleted while no operator ran: they are seen off as if that were news."""

import asyncio
from collections.abc import Callable

import structlog

from alidade.api.job import Job
from alidade.domain.mlflow_run import INSTALLATION_TAG, NAMESPACE_TAG, UID_TAG, job_of_run
from alidade.runtime.cache import Cache
from alidade.runtime.metrics import TRACKING_FAILURES
from alidade.tracking.tracking import Run, Tracking, TrackingError

RETRY_SECONDS = 30.0

log = structlog.get_logger(__name__)


class Sweep:
    """Looks once, in the operator's life, through the open runs of its installation.

    An MLflow server may have runs of other clusters as well, of whose jobs nothing is known here.

    Args:
        cache: What is known of the cluster, of which nothing is missing by now.
        tracking: MLflow.
        served: The namespaces whose jobs are known; none means all of them.
        depart: Called with each job that is found to be gone.
    """

    def __init__(
        self,
        cache: Cache,
        tracking: Tracking,
        served: tuple[str, ...],
        depart: Callable[[Job], None],
    ) -> None:
        self._cache = cache
        self._tracking = tracking
        self._served = served
        self._depart = depart

    async def run(self) -> None:
        """Ask MLflow until it answers, and see off what is gone."""
        if not self._cache.installation:
            return
        runs = await self._open_runs()
        known = self._cache.known_jobs()
        for run in runs:
            if self._knows_jobs_like_that_of(run) and run.tags[UID_TAG] not in known:
                self._depart(job_of_run(run.run_id, run.tags))

    async def _open_runs(self) -> list[Run]:
        while True:
            try:
                return await self._tracking.open_runs({INSTALLATION_TAG: self._cache.installation})
            except TrackingError as error:
                TRACKING_FAILURES.inc()
                log.warning("sweep.failed", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    def _knows_jobs_like_that_of(self, run: Run) -> bool:
        if UID_TAG not in run.tags:
            return False
        return not self._served or run.tags.get(NAMESPACE_TAG) in self._served
