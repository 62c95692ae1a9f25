"""Runs whose jobs were deleted while no operator ran: they are seen off as if that were news."""

from collections.abc import Callable

from alidade.api.experiment import Experiment
from alidade.api.job import Job
from alidade.domain.mlflow_run import EXPERIMENT_UID_TAG, UID_TAG, job_of_run
from alidade.domain.snapshot import TrackingView
from alidade.runtime.cache import Cache, WorkKey
from alidade.runtime.tracker import Tracker
from alidade.tracking.tracking import Tracking


class Sweep:
    """Looks once, in the operator's life, through the open runs of each experiment.

    Only runs tagged with the UID of an Experiment that exists are looked at: an MLflow server may
    have those of other clusters as well, of whose jobs nothing is known here.

    Args:
        cache: What is known of the cluster, of which nothing is missing by now.
        tracker: Where the question is left.
        tracking: MLflow.
        depart: Called with each job that is found to be gone.
    """

    def __init__(
        self, cache: Cache, tracker: Tracker, tracking: Tracking, depart: Callable[[Job], None]
    ) -> None:
        self._cache = cache
        self._tracker = tracker
        self._tracking = tracking
        self._depart = depart

    def request(self, key: WorkKey, experiment: Experiment, tracking_id: str) -> None:
        """Have the runs of an experiment looked through, unless they were."""
        uid = experiment.metadata.uid

        async def sweep() -> TrackingView:
            runs = await self._tracking.open_runs(tracking_id, {EXPERIMENT_UID_TAG: uid})
            known = self._cache.known_jobs()
            for run in runs:
                if UID_TAG in run.tags and run.tags[UID_TAG] not in known:
                    self._depart(job_of_run(run.run_id, run.tags))
            return TrackingView(settled=True)

        if not self._tracker.view(_of(uid)).settled:
            self._tracker.request(key, _of(uid), sweep)

    def forget(self, uid: str) -> None:
        """Forget an experiment that is gone."""
        self._tracker.forget(_of(uid))


def _of(uid: str) -> str:
    return f"runs of {uid}"
