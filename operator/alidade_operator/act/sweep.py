"""Open runs that no job stands behind any more, or that are not their job's: they are ended.

Jobs may be deleted while no operator runs; a request that was given up may create a run all the
same; a tracking server restored from a backup has runs open that had ended.
"""

import asyncio
from collections.abc import Callable, Collection

import structlog

from alidade_core.api.job import Job
from alidade_operator.decide.finish.run_end import job_of_run
from alidade_operator.index.cache import Cache
from alidade_operator.ops.metrics import TRACKING_FAILURES
from alidade_operator.tracking.tracking import Run, Tracking, TrackingError

RETRY_SECONDS = 30.0
SWEEP_SECONDS = 600.0

log = structlog.get_logger(__name__)


class Sweep:
    """Looks through the open runs that this installation has made.

    An MLflow server may have runs of other clusters as well, of whose jobs nothing is known here,
    and runs that only say that they are ours.

    Args:
        cache: What is known of the cluster, of which nothing is missing by now.
        tracking: MLflow.
        served: The namespaces whose jobs are known; none means all of them.
        known: Returns the UIDs of all jobs that are there, or are being seen off.
        depart: Called with each job that is found to be gone.
        end_again: Called with each job whose end its run has lost.
    """

    def __init__(
        self,
        cache: Cache,
        tracking: Tracking,
        served: tuple[str, ...],
        *,
        known: Callable[[], Collection[str]],
        depart: Callable[[Job], None],
        end_again: Callable[[Job], None],
    ) -> None:
        self._cache = cache
        self._tracking = tracking
        self._served = served
        self._known = known
        self._depart = depart
        self._end_again = end_again

    async def run(self) -> None:
        """Look at once, and then from time to time, until cancelled."""
        while True:
            answered = await self.look()
            await asyncio.sleep(SWEEP_SECONDS if answered else RETRY_SECONDS)

    async def look(self) -> bool:
        """Look once; return whether MLflow answered."""
        if not self._cache.installation:
            return True
        # A job that goes while MLflow is asked is seen off elsewhere, with all that is known of it.
        before = frozenset(self._known())
        try:
            runs = await self._tracking.open_runs(self._cache.installation)
        except TrackingError as error:
            _note(error)
            return False
        answered = True
        for run in runs:
            if self._served and run.owner.namespace not in self._served:
                continue
            try:
                await self._look_at(run, before)
            except TrackingError as error:
                # What is refused for one run says nothing of the next.
                _note(error, run=run.run_id)
                answered = False
        return answered

    async def _look_at(self, run: Run, before: Collection[str]) -> None:
        owner = run.owner
        job = self._cache.jobs.get((owner.namespace, owner.job))
        if job is not None and job.metadata.uid == owner.uid:
            right = job.status.mlflow_run_id
            if right is None:
                return
            if run.run_id != right:
                await self._end_surplus(run, right)
            elif job.status.over:
                log.warning("sweep.reopened", run=run.run_id, job="/".join(job.key))
                self._end_again(job)
        elif owner.uid not in before:
            await self._look_at_left_over(run)

    async def _look_at_left_over(self, run: Run) -> None:
        """End a run of a job that is gone: it may be a second one, made when the job had ended."""
        right = await self._tracking.right_run(run.owner.uid)
        if run.owner.uid in self._known():
            return
        if right is None or right == run.run_id:
            self._depart(job_of_run(run.run_id, run.owner))
        else:
            await self._end_surplus(run, right)

    async def _end_surplus(self, run: Run, right: str) -> None:
        owner = run.owner
        log.warning("sweep.surplus", run=run.run_id, job=f"{owner.namespace}/{owner.job}")
        await self._tracking.end_surplus(run.run_id, owner.uid, right)


def _note(error: TrackingError, **about: str) -> None:
    TRACKING_FAILURES.inc()
    log.warning("sweep.failed", error=str(error), **about)
