"""The operator: what is observed goes in, actions come out."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import structlog

from alidade_core.api.base import Resource
from alidade_core.api.job import Job
from alidade_core.api.reason import Reason
from alidade_core.words import shorten
from alidade_operator.act.last_lines import LastLines
from alidade_operator.act.log_archive import LogArchive
from alidade_operator.act.recorder import Recorder
from alidade_operator.act.second_look import SecondLook
from alidade_operator.act.sweep import Sweep
from alidade_operator.act.tracker import Tracker
from alidade_operator.act.unreadable_statuses import UnreadableStatuses
from alidade_operator.decide.events import Note
from alidade_operator.index.cache import Cache, WorkKey
from alidade_operator.index.graph import Key
from alidade_operator.index.listing import Listing
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    EXPERIMENTS,
    JOBS,
    NAMESPACES,
    PODS,
    QUEUES,
    ApiError,
    Body,
    ForbiddenError,
    Gateway,
    InvalidError,
    Kind,
    Watches,
)
from alidade_operator.loop.aggregates import AggregateReconciler
from alidade_operator.loop.follower import Follower
from alidade_operator.loop.jobs import JobReconciler
from alidade_operator.loop.oddities import Oddities
from alidade_operator.loop.queue_faults import QueueFaults
from alidade_operator.objects import ownership
from alidade_operator.objects.well_known import JOB_LABEL
from alidade_operator.ops.metrics import QUEUE_DEPTH, RECONCILE_SECONDS, RECONCILES
from alidade_operator.ops.settings import Settings
from alidade_operator.tracking.tracking import Tracking
from alidade_operator.work.bulkhead import keep_going
from alidade_operator.work.workqueue import WorkQueue

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
        watches: What tells of changes there.
        tracking: MLflow.
        settings: Settings of the process.
        clock: The time.
    """

    def __init__(
        self,
        gateway: Gateway,
        watches: Watches,
        tracking: Tracking,
        settings: Settings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._gateway = gateway
        self._watches = watches
        self._settings = settings
        self._queue: WorkQueue[WorkKey] = WorkQueue(whose=lambda key: key.namespace)
        self._cache = Cache(self._wake, self._see_off)
        self._tracker = Tracker(self._wake, clock)
        self._recorder = Recorder(gateway, settings.identity)
        self._unreadable = UnreadableStatuses(gateway, clock)
        self._oddities = Oddities(self._cache, self._recorder, self._unreadable)
        self._second_look = SecondLook(
            gateway, self._cache, self._drop, self._see, self._tell_that_labels_are_off
        )
        self._last_lines = LastLines(gateway, self._wake)
        self._archive = LogArchive(
            gateway, tracking, self._tracker, self._wake, settings.log_tail_lines
        )
        faults = QueueFaults(self._wake)
        self._jobs = JobReconciler(
            cache=self._cache,
            queue=self._queue,
            gateway=gateway,
            tracker=self._tracker,
            tracking=tracking,
            recorder=self._recorder,
            archive=self._archive,
            last_lines=self._last_lines,
            faults=faults,
            see=self._see,
            job_tracking_uri=settings.for_jobs(),
            default_image=settings.default_image(),
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
            faults=faults,
            clock=clock,
        )
        self._watched = [
            (kind, namespace) for kind in KINDS for namespace in (settings.served() or (None,))
        ]
        self._followers = [self._follower(*where) for where in self._watched]
        self._gone_back = asyncio.Event()
        self._troubles: dict[tuple[Kind, str | None], str] = {}
        self._synced = False
        self._moved = time.monotonic()

    @property
    def trouble(self) -> str | None:
        """What keeps it from its work, None where nothing does."""
        if self._troubles:
            return "; ".join(dict.fromkeys(self._troubles.values()))
        if not self._synced:
            return "the cluster is being read"
        if self._queue.idle or time.monotonic() - self._moved < STALLED_SECONDS:
            return None
        return f"nothing has been done for {STALLED_SECONDS:.0f} s, though there is work"

    def observe(self, kind: Kind, change: str | None, body: Body) -> None:
        """Take in what a watch reports: an object as it is, or as it last was if it is deleted.

        It may be anything; what cannot be read is left out, and told to its owner.
        """
        try:
            if change == "DELETED":
                self._cache.horizon.note(kind, body)
                self._miss(kind, body)
            else:
                self._cache.put(kind, body)
                self._see_that_it_is_found(kind, body)
        except Exception as error:
            self._oddities.note(kind, body, error)

    def _see(self, kind: Kind, body: Body) -> None:
        self.observe(kind, None, body)

    def _miss(self, kind: Kind, body: Body) -> None:
        """Take an object that a watch says is gone for gone, if it is not only out of its sight."""
        metadata = body["metadata"]
        key, uid = (metadata["namespace"], metadata["name"]), metadata["uid"]
        if metadata.get("deletionTimestamp") is None and self._may_have_lost_its_label(kind, key):
            self._second_look.ask(kind, key, uid)
        else:
            self._drop(kind, key, uid)

    def _may_have_lost_its_label(self, kind: Kind, key: Key) -> bool:
        owner = self._cache.owner(kind, key) if kind in SELECTORS else None
        return owner is not None and not owner.status.ended

    def _see_that_it_is_found(self, kind: Kind, body: Body) -> None:
        """See that a batch/v1 Job has what it and its pods are found by."""
        if kind != BATCH_JOBS:
            return
        metadata = body["metadata"]
        key = (metadata["namespace"], metadata["name"])
        job = self._cache.owner(kind, key)
        if job and not job.status.ended and ownership.mend(body, job):
            self._second_look.ask(kind, key, metadata["uid"])

    def _see_off(self, job: Job) -> None:
        self._jobs.depart(job)

    def _drop(self, kind: Kind, key: Key, uid: str) -> None:
        self._cache.drop(kind, *key, uid)
        if kind == EXPERIMENTS:
            self._tracker.forget(uid)

    async def run(self) -> None:
        """Learn the state of the cluster, then reconcile until cancelled."""
        await self._identify()
        # Parents before children, one after the other.
        for follower in self._followers:
            await follower.list_until_done()
        self._jobs.prime()
        self._wake_all()
        self._synced = True
        log.info("synced", jobs=len(self._cache.jobs))
        loops: dict[str, Callable[[], Awaitable[None]]] = {
            "tracker": self._tracker.run,
            "recorder": self._recorder.run,
            "archive": self._archive.run,
            "last_lines": self._last_lines.run,
            "second look": self._second_look.run,
            "unreadable": self._unreadable.run,
            "sweep": self._sweep.run,
            "resync": self._resync,
            "reconcilers": lambda: self._queue.serve(self._work, self._settings.workers),
        }
        async with asyncio.TaskGroup() as tasks:
            for name, loop in loops.items():
                tasks.create_task(keep_going(name, loop))
            for follower in self._followers:
                tasks.create_task(keep_going("watch", follower.run))

    def _follower(self, kind: Kind, namespace: str | None) -> Follower:
        return Follower(
            self._watches,
            kind,
            namespace,
            selector=SELECTORS.get(kind),
            relist=lambda: self._relist(kind, namespace),
            newest=lambda: self._newest(kind, namespace),
            observe=self.observe,
            tell=lambda trouble: self._tell((kind, namespace), trouble),
        )

    def _tell(self, where: tuple[Kind, str | None], trouble: str | None) -> None:
        if trouble is None:
            self._troubles.pop(where, None)
        elif self._troubles.get(where) != trouble:
            self._troubles[where] = trouble
            log.warning("cluster.unknown", trouble=trouble)

    def _wake(self, key: WorkKey) -> None:
        if key.kind == "job":
            self._queue.add(key)
        else:
            self._queue.add_after(key, AGGREGATION_SECONDS)

    def _wake_all(self) -> None:
        for key, job in self._cache.jobs.items():
            if not job.status.over:
                self._queue.add(WorkKey("job", *key))

    async def _resync(self) -> None:
        """Compare everything now and then: a watch may have missed what happened."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone_back.wait(), self._settings.resync_seconds)
            self._gone_back.clear()
            left = self._followers
            while left:
                pauses = [(follower, await follower.compare()) for follower in left]
                self._wake_all()
                left = [follower for follower, pause in pauses if pause is not None]
                await asyncio.sleep(max((pause or 0.0 for _, pause in pauses), default=0.0))

    async def _identify(self) -> None:
        home = self._settings.own_namespace
        while home and not self._cache.installation:
            try:
                body = await self._gateway.get(NAMESPACES, home, home)
                self._cache.installation = str(body["metadata"]["uid"])
            except (ApiError, KeyError, TypeError) as error:
                retry_after = error.retry_after if isinstance(error, ApiError) else None
                log.warning("sync.failed", namespace=home, error=str(error))
                await asyncio.sleep(max(RETRY_SYNC_SECONDS, retry_after or 0.0))

    async def _newest(self, kind: Kind, namespace: str | None) -> str:
        """Return of which version the API server's store is, as the beginning of a list says it."""
        pages = self._gateway.list_pages(kind, namespace, SELECTORS.get(kind), size=1)
        return (await anext(pages)).version

    async def _relist(self, kind: Kind, namespace: str | None) -> str:
        """Make the cache what the API server says; return of which version that is."""
        listing, version = Listing(self._cache, kind, namespace), ""
        selector, horizon = SELECTORS.get(kind), self._cache.horizon
        asked = horizon.ask(kind)
        async for page in self._gateway.list_pages(kind, namespace, selector):
            if not version:
                listing.turned_back = horizon.check((kind, namespace), page.version, asked)
                if listing.turned_back:
                    self._gone_back.set()
            version = page.version
            for body in page.items:
                try:
                    listing.put(body)
                    self._see_that_it_is_found(kind, body)
                except Exception as error:
                    self._oddities.note(kind, body, error)
        for key, uid in tuple(listing.missing()):
            if self._may_have_lost_its_label(kind, key):
                self._second_look.ask(kind, key, uid)
                if listing.turned_back:
                    # What it was in a store that is no more is nothing to decide on meanwhile.
                    self._cache.forget(kind, key)
            else:
                self._drop(kind, key, uid)
        horizon.take_in((kind, namespace))
        if listing.turned_back:
            log.warning("cluster.turned_back", kind=str(kind), namespace=namespace)
            self._jobs.take_stock()
            self._wake_all()
        return version

    async def _work(self, key: WorkKey) -> None:
        started = time.monotonic()
        result = await self._reconcile(key)
        self._moved = time.monotonic()
        RECONCILES.labels(key.kind, result).inc()
        RECONCILE_SECONDS.labels(key.kind).observe(self._moved - started)
        QUEUE_DEPTH.set(len(self._queue))

    async def _reconcile(self, key: WorkKey) -> str:
        after: float | None = None
        if self._cache.horizon.mixed(self._watched):
            # What was known before the store went back says nothing of what is known since.
            self._queue.add_after(key, RETRY_SYNC_SECONDS)
            return "retried"
        try:
            if key.kind == "job":
                after = await self._jobs.reconcile(key)
            else:
                await self._aggregates.reconcile(key)
        except ApiError as error:
            delay = self._queue.retry(key, error.retry_after)
            log.warning("reconcile.retried", key="/".join(key), error=str(error), delay=delay)
            if isinstance(error, ForbiddenError | InvalidError):
                self._own(key, Note("Warning", Reason.REQUEST_REFUSED, shorten(str(error))))
            return "retried"
        except Exception as error:
            # One object that trips over a fault of ours must not stop the others.
            self._queue.retry(key)
            log.exception("reconcile.crashed", key="/".join(key))
            what = shorten(f"{type(error).__name__}: {error}")
            message = f"the operator trips over it, and tries again: {what}"
            self._own(key, Note("Warning", Reason.OPERATOR_FAULT, message))
            return "crashed"
        self._queue.forget(key)
        if after is not None:
            self._queue.add_after(key, after)
        return "done"

    def _own(self, key: WorkKey, note: Note) -> None:
        """Tell on an object why nothing becomes of it."""
        known: dict[str, Mapping[Key, Resource]] = {
            "job": self._cache.jobs,
            "experiment": self._cache.experiments,
            "queue": self._cache.queues,
        }
        resource = known[key.kind].get((key.namespace, key.name))
        if resource is not None:
            self._recorder.record(resource, note)

    def _tell_that_labels_are_off(self, job: Job, error: ApiError) -> None:
        message = shorten(f"what was taken off its batch/v1 Job cannot be put back: {error}")
        self._recorder.record(job, Note("Warning", Reason.REQUEST_REFUSED, message))
