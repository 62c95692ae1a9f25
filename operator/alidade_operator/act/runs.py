"""The MLflow runs of jobs: created, or found where they may be there, and ended."""

from collections.abc import Iterable

from alidade_core.api.job import Job
from alidade_operator.act.tracker import Lane, Tracker
from alidade_operator.decide.actions import CreateRun, EndRun
from alidade_operator.decide.answers import TrackingView
from alidade_operator.index.cache import Cache, WorkKey
from alidade_operator.tracking.tracking import ExperimentLostError, Tracking
from alidade_operator.work.workqueue import WorkQueue


class Runs:
    """Leaves with the tracker what is wanted of MLflow for jobs.

    Args:
        cache: What is known of the cluster.
        queue: Where keys are left that are to be looked at again.
        tracker: Where work for MLflow is left.
        tracking: MLflow.
    """

    def __init__(
        self, cache: Cache, queue: WorkQueue[WorkKey], tracker: Tracker, tracking: Tracking
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._tracker = tracker
        self._tracking = tracking
        self._inherited: set[str] = set()
        self._lost: dict[str, int] = {}

    def inherit(self, uids: Iterable[str]) -> None:
        """Take note of jobs whose run may be there though nothing is known of it."""
        self._inherited.update(uids)

    def create(self, key: WorkKey, job: Job, action: CreateRun) -> None:
        """Ask for a job's run."""
        if self._tracker.view(job.metadata.uid).tracking_id is not None:
            # It came while the status was being written.
            return
        # A run can only be there already if an earlier process, or an earlier try, created it.
        inherited = job.metadata.uid in self._inherited or job.metadata.uid in self._lost
        where = (key.namespace, job.spec.experiment)
        attempts = 0

        async def create() -> TrackingView:
            nonlocal attempts
            attempts += 1
            experiment = self._cache.experiments.get(where)
            registered = experiment and experiment.status.mlflow_experiment_id
            try:
                run_id = await self._tracking.ensure_run(
                    registered or action.tracking_experiment_id,
                    action.name,
                    action.tags,
                    search=inherited or attempts > 1,
                )
            except ExperimentLostError:
                if experiment:
                    # Not looked for yet: it is found or registered again, and tried with that.
                    self._tracker.doubt(experiment.metadata.uid)
                    self._queue.add(WorkKey("experiment", *where))
                raise
            return TrackingView(tracking_id=run_id)

        self._tracker.request(key, job.metadata.uid, create)

    def end(self, key: WorkKey, job: Job, action: EndRun) -> None:
        """Ask for the end of a job's run."""
        run_id, uid = action.run_id, job.metadata.uid

        async def end() -> TrackingView:
            there = await self._tracking.end_run(
                run_id, uid, action.end, action.tags, action.parameters
            )
            return TrackingView(tracking_id=run_id, settled=True, gone=not there)

        self._tracker.request(key, uid, end, Lane.ENDS)

    def note_lost_ones(self, job: Job) -> None:
        """Take for unknown what was known of a run that MLflow has lost, by the job's status."""
        uid, retries = job.metadata.uid, job.status.retries
        lost = len(retries.lost_runs) if retries else 0
        if lost > self._lost.get(uid, 0):
            self._lost[uid] = lost
            self._tracker.doubt(uid)

    def forget(self, uid: str) -> None:
        """Forget a job that is gone."""
        self._lost.pop(uid, None)
        self._tracker.forget(uid)
