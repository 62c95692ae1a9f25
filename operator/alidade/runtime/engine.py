"""The operator less its source of events: what is observed goes in, actions come out."""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import structlog
from pydantic import ValidationError

from alidade.domain.observed import JOB_LABEL, UnreadableError
from alidade.kube.gateway import (
    BATCH_JOBS,
    EXPERIMENTS,
    JOBS,
    NAMESPACES,
    PODS,
    QUEUES,
    ApiError,
    Body,
    Gateway,
    Kind,
)
from alidade.runtime.aggregates import AggregateReconciler
from alidade.runtime.cache import Cache, WorkKey
from alidade.runtime.jobs import JobReconciler
from alidade.runtime.log_archive import LogArchive
from alidade.runtime.metrics import QUEUE_DEPTH, RECONCILE_SECONDS, RECONCILES
from alidade.runtime.recorder import Recorder
from alidade.runtime.settings import Settings
from alidade.runtime.sweep import Sweep
from alidade.runtime.tracker import Tracker
from alidade.runtime.workqueue import WorkQueue
from alidade.tracking.tracking import Tracking

# Parents before children: a child that is read was created by the state its parent shows.
KINDS: tuple[Kind, ...] = (EXPERIMENTS, QUEUES, JOBS, BATCH_JOBS, PODS)
SELECTORS: dict[Kind, str] = {BATCH_JOBS: JOB_LABEL, PODS: JOB_LABEL}
# Experiments and queues sum up their jobs: one write for all that changes within this time.
AGGREGATION_SECONDS = 0.5
STALLED_SECONDS = 60.0
RETRY_SYNC_SECONDS = 2.0

log = structlog.get_logger(__name__)


class Engine:
    """Cache, work queue and reconcilers, put together.

    Args:
        gateway: The Kubernetes API.
        tracking: MLflow.
        settings: Settings of the process.
        clock: The time.
    """

    def __init__(
        self,
        gateway: Gateway,
        tracking: Tracking,
        settings: Settings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._gateway = gateway
        self._settings = settings
        self._queue: WorkQueue[WorkKey] = WorkQueue()
        self._cache = Cache(self._wake)
        self._tracker = Tracker(self._wake)
        self._recorder = Recorder(gateway, settings.identity)
        self._archive = LogArchive(
            gateway, tracking, self._tracker, self._wake, settings.log_tail_lines
        )
        self._jobs = JobReconciler(
            cache=self._cache,
            queue=self._queue,
            gateway=gateway,
            tracker=self._tracker,
            tracking=tracking,
            recorder=self._recorder,
            archive=self._archive,
            job_tracking_uri=settings.for_jobs(),
            kept_back=settings.unpropagated(),
            clock=clock,
        )
        self._sweep = Sweep(
            self._cache,
            tracking,
            settings.served(),
            known=self._jobs.known_uids,
            depart=self._jobs.depart,
            end_again=self._jobs.end_run_again,
        )
        self._aggregates = AggregateReconciler(
            cache=self._cache,
            queue=self._queue,
            gateway=gateway,
            tracker=self._tracker,
            tracking=tracking,
            clock=clock,
        )
        self._synced = False
        self._moved = time.monotonic()

    @property
    def ready(self) -> bool:
        """Whether the cluster is known and work is being done."""
        moving = self._queue.idle or time.monotonic() - self._moved < STALLED_SECONDS
        return self._synced and moving

    def observe(self, kind: Kind, change: str | None, body: Body) -> None:
        """Take in what a watch reports: an object as it is, or as it last was if it is deleted."""
        metadata = body["metadata"]
        if change == "DELETED":
            self._drop(kind, metadata["namespace"], metadata["name"], metadata["uid"])
            return
        try:
            self._cache.put(kind, body)
        except (ValidationError, UnreadableError):
            log.exception(
                "object.unreadable",
                kind=kind.plural,
                namespace=metadata["namespace"],
                name=metadata["name"],
            )

    def _drop(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        job = self._cache.jobs.get((namespace, name)) if kind == JOBS else None
        self._cache.drop(kind, namespace, name, uid)
        if job is not None and job.metadata.uid == uid:
            self._jobs.depart(job)
        elif kind == EXPERIMENTS:
            self._tracker.forget(uid)

    async def run(self) -> None:
        """Learn the state of the cluster, then reconcile until cancelled."""
        while not self._synced:
            try:
                await self._identify()
                await self._compare()
                self._synced = True
            except ApiError as error:
                log.warning("sync.failed", error=str(error))
                await asyncio.sleep(RETRY_SYNC_SECONDS)
        self._jobs.prime()
        log.info("synced", jobs=len(self._cache.jobs))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tracker.run())
            tasks.create_task(self._recorder.run())
            tasks.create_task(self._archive.run())
            tasks.create_task(self._resync())
            tasks.create_task(self._sweep.run())
            tasks.create_task(self._queue.serve(self._work, self._settings.workers))

    def _wake(self, key: WorkKey) -> None:
        if key.kind == "job":
            self._queue.add(key)
        else:
            self._queue.add_after(key, AGGREGATION_SECONDS)

    async def _resync(self) -> None:
        wait = self._settings.resync_seconds
        while True:
            await asyncio.sleep(wait)
            try:
                await self._compare()
                wait = self._settings.resync_seconds
            except ApiError as error:
                wait = min(RETRY_SYNC_SECONDS, wait)
                log.warning("resync.failed", error=str(error))

    async def _identify(self) -> None:
        home = self._settings.own_namespace
        if home:
            body = await self._gateway.get(NAMESPACES, home, home)
            self._cache.installation = body["metadata"]["uid"]

    async def _compare(self) -> None:
        """Make the cache what the API server says: a watch that broke may have missed deletions."""
        for kind in KINDS:
            before = {key: uid for key, uid, _ in self._cache.known(kind)}
            listed = set()
            for namespace in self._namespaces():
                async for body in self._gateway.list_all(kind, namespace, SELECTORS.get(kind)):
                    listed.add(body["metadata"]["uid"])
                    self.observe(kind, None, body)
            for (namespace, name), uid in before.items():
                if uid not in listed:
                    self._drop(kind, namespace, name, uid)
        for key, job in self._cache.jobs.items():
            if not job.status.over:
                self._queue.add(WorkKey("job", *key))

    def _namespaces(self) -> Iterable[str | None]:
        return self._settings.served() or (None,)

    async def _work(self, key: WorkKey) -> None:
        started = time.monotonic()
        result = await self._reconcile(key)
        self._moved = time.monotonic()
        RECONCILES.labels(key.kind, result).inc()
        RECONCILE_SECONDS.labels(key.kind).observe(self._moved - started)
        QUEUE_DEPTH.set(len(self._queue))

    async def _reconcile(self, key: WorkKey) -> str:
        after: float | None = None
        try:
            if key.kind == "job":
                after = await self._jobs.reconcile(key)
            else:
                await self._aggregates.reconcile(key)
        except ApiError as error:
            delay = self._queue.retry(key)
            log.warning("reconcile.retried", key="/".join(key), error=str(error), delay=delay)
            return "retried"
        except Exception:
            # One job that trips over a fault of ours must not stop the others.
            self._queue.retry(key)
            log.exception("reconcile.crashed", key="/".join(key))
            return "crashed"
        self._queue.forget(key)
        if after is not None:
            self._queue.add_after(key, after)
        return "done"
