"""Reconciling experiments and queues, whose status sums up their jobs."""

from collections.abc import Callable
from datetime import datetime

from alidade_core.api.base import Model
from alidade_core.api.experiment import Experiment, Tracking
from alidade_core.api.queue import Queue
from alidade_operator.act.status import write_status
from alidade_operator.act.tracker import Tracker
from alidade_operator.decide.answers import TrackingView
from alidade_operator.decide.sums.experiment import experiment_status
from alidade_operator.decide.sums.queue import queue_status
from alidade_operator.decide.sums.registration import registration
from alidade_operator.index.cache import Cache, WorkKey
from alidade_operator.kube.gateway import (
    EXPERIMENTS,
    QUEUES,
    ConflictError,
    Gateway,
    Kind,
    NotFoundError,
)
from alidade_operator.loop.queue_faults import QueueFaults
from alidade_operator.tracking import tracking as trackers
from alidade_operator.work.workqueue import WorkQueue

TELL_POSITION_SECONDS = 3.0
# A tracking server may become another one, or lose its database, at any time.
LOOK_AGAIN_SECONDS = 300.0


class AggregateReconciler:
    """Keeps the statuses of experiments and queues, and registers experiments in MLflow."""

    def __init__(
        self,
        *,
        cache: Cache,
        queue: WorkQueue[WorkKey],
        gateway: Gateway,
        tracker: Tracker,
        tracking: trackers.Tracking,
        faults: QueueFaults,
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._gateway = gateway
        self._tracker = tracker
        self._tracking = tracking
        self._faults = faults
        self._clock = clock
        self._looked: dict[tuple[str, str], datetime] = {}

    async def reconcile(self, key: WorkKey) -> None:
        """Bring the status of an experiment or a queue up to date."""
        if key.kind == "experiment":
            await self._reconcile_experiment(key)
        else:
            await self._reconcile_queue(key)

    async def _reconcile_experiment(self, key: WorkKey) -> None:
        where = (key.namespace, key.name)
        experiment = self._cache.experiments.get(where)
        if experiment is None:
            self._looked.pop(where, None)
            return
        if experiment.spec.tracking is Tracking.MLFLOW:
            self._see_to_registration(key, experiment)
        status = experiment_status(
            experiment,
            self._cache.tally(where),
            installation=self._cache.installation,
            view=self._tracker.view(experiment.metadata.uid),
            now=self._clock(),
        )
        await self._write(EXPERIMENTS, experiment, status)

    def _see_to_registration(self, key: WorkKey, experiment: Experiment) -> None:
        """Have the MLflow experiment looked for, or registered, now and from time to time."""
        uid = experiment.metadata.uid
        now, looked = self._clock(), self._looked.get(experiment.key)
        again = looked is None or (now - looked).total_seconds() >= LOOK_AGAIN_SECONDS
        if again or self._tracker.view(uid).registered is None:
            self._looked[experiment.key] = now
            self._register(key, experiment)
        self._queue.add_after(key, LOOK_AGAIN_SECONDS)

    def _register(self, key: WorkKey, experiment: Experiment) -> None:
        async def register() -> TrackingView:
            current = self._cache.experiments.get(experiment.key, experiment)
            wanted = registration(current, self._cache.installation)
            return TrackingView(registered=await self._tracking.register(wanted))

        self._tracker.request(key, experiment.metadata.uid, register)

    async def _reconcile_queue(self, key: WorkKey) -> None:
        where = (key.namespace, key.name)
        queue = self._cache.queues.get(where)
        if queue is None:
            return
        ledger = self._cache.ledger(where)
        for name in ledger.in_line():
            # Their position may have changed, which their message tells; in a queue of short jobs
            # it does all the time.
            self._queue.add_after(WorkKey("job", key.namespace, name), TELL_POSITION_SECONDS)
        status = queue_status(
            queue, ledger.running, ledger.queued, self._clock(), self._faults.of(where)
        )
        await self._write(QUEUES, queue, status)

    async def _write(self, kind: Kind, known: Experiment | Queue, status: Model) -> None:
        if status == known.status:
            return
        try:
            body = await write_status(self._gateway, kind, known, known.status, status)
        except NotFoundError:
            self._cache.drop(kind, *known.key, known.metadata.uid)
        except ConflictError:
            # It has changed since; what follows from that is decided when this is tried again.
            self._cache.put(kind, await self._gateway.get(kind, *known.key))
            raise
        else:
            self._cache.put_answer(kind, body)
