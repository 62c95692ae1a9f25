"""Reconciling one job: a snapshot, the plan for it, its status, its actions."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobStatus
from alidade_operator.act.batch_jobs import BatchJobs
from alidade_operator.act.inquiries import is_ending, read_traces, read_warnings, read_workload
from alidade_operator.act.last_lines import LastLines
from alidade_operator.act.log_archive import LogArchive
from alidade_operator.act.recorder import Recorder
from alidade_operator.act.runs import Runs
from alidade_operator.act.status_writer import StatusWriter
from alidade_operator.act.tracker import Tracker
from alidade_operator.decide.actions import (
    Action,
    ArchiveLog,
    CreateBatchJob,
    CreateRun,
    EndRun,
    Inquiry,
    ReadBatchJob,
    ReadLastLines,
    ReadNamespace,
    ReadPods,
    ReadTraces,
    ReadWarnings,
    ReadWorkload,
    Release,
)
from alidade_operator.decide.admission.quota import is_settled
from alidade_operator.decide.answers import Trace, WarningView, WorkloadView
from alidade_operator.decide.coalescing import MOMENT_SECONDS
from alidade_operator.decide.finish import run_end
from alidade_operator.decide.finish.ending import awaited_by
from alidade_operator.decide.image import Image
from alidade_operator.decide.plan import Plan, plan, plan_deleted
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.index.cache import Cache, WorkKey
from alidade_operator.index.graph import Key
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    JOBS,
    PODS,
    Body,
    ConflictError,
    Gateway,
    Kind,
    NotFoundError,
    UnavailableError,
)
from alidade_operator.loop.doubts import Doubts
from alidade_operator.loop.queue_faults import QueueFaults
from alidade_operator.objects.well_known import JOB_LABEL
from alidade_operator.tracking.tracking import Tracking
from alidade_operator.work.workqueue import WorkQueue

log = structlog.get_logger(__name__)


@dataclass
class _Memory:
    """What is remembered of a job beside the cluster's state; all of it can be found out again."""

    workload: WorkloadView | None = None
    warnings: dict[str, WarningView] = field(default_factory=dict)
    traces: dict[ReadTraces, tuple[Trace, ...]] = field(default_factory=dict)
    batch_job_missed: bool = False
    namespace_ends: bool | None = None
    pods_read_of: str | None = None
    unanswered: bool = False


class JobReconciler:
    """Brings jobs on, one step at a time.

    Args:
        cache: What is known of the cluster.
        queue: Where keys are left that are to be looked at again.
        gateway: The Kubernetes API.
        tracker: Where work for MLflow is left.
        tracking: MLflow.
        recorder: Where events go.
        archive: Where logs are left.
        last_lines: Where ends of logs are read.
        faults: What is wrong with queues.
        see: Called with kind and object of what was looked for and found.
        job_tracking_uri: Where pods reach MLflow.
        default_image: What jobs run in that name no image, if there is one.
        kept_back: Domains whose labels and annotations of a job are not passed on.
        clock: The time.
        moment: For how many seconds a status may be behind what is known.
    """

    def __init__(
        self,
        *,
        cache: Cache,
        queue: WorkQueue[WorkKey],
        gateway: Gateway,
        tracker: Tracker,
        tracking: Tracking,
        recorder: Recorder,
        archive: LogArchive,
        last_lines: LastLines,
        faults: QueueFaults,
        see: Callable[[Kind, Body], None],
        job_tracking_uri: str,
        default_image: Image | None = None,
        kept_back: tuple[str, ...] = (),
        clock: Callable[[], datetime],
        moment: float = MOMENT_SECONDS,
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._gateway = gateway
        self._tracker = tracker
        self._tracking = tracking
        self._archive = archive
        self._last_lines = last_lines
        self._faults = faults
        self._see = see
        self._job_tracking_uri = job_tracking_uri
        self._default_image = default_image
        self._kept_back = kept_back
        self._clock = clock
        self._batch_jobs = BatchJobs(
            cache, gateway, see, clock, lambda job: queue.add(WorkKey("job", *job))
        )
        self._doubts = Doubts(cache)
        self._bereft: set[str] = set()
        self._status_writer = StatusWriter(cache, gateway, recorder, moment)
        self._runs = Runs(cache, queue, tracker, tracking)
        self._memories: dict[str, _Memory] = {}
        # By UID below the name: a name may be used again, and again be deleted, in little time.
        self._departed: defaultdict[Key, dict[str, Job]] = defaultdict(dict)

    def prime(self) -> None:
        """Take over the jobs that are there; those that wait for a place line up for it first."""
        self._runs.inherit(self.known_uids())
        for key, job in self._cache.jobs.items():
            try:
                if not job.status.ended and plan(self._snapshot(key, job)).wants_place:
                    self._cache.line_up(job)
            except Exception:
                # Whatever is wrong with it is told when it is reconciled.
                log.exception("job.not_primed", namespace=key[0], job=key[1])

    async def reconcile(self, key: WorkKey) -> float | None:
        """Bring a job on by one step; return after how many seconds to look again, if at all."""
        where = (key.namespace, key.name)
        await self._see_off(key, where)
        await self._ask_what_was_done(where)
        found = self._cache.jobs.get(where)
        if found is None:
            return None
        job = self._status_writer.known(found)
        self._mark_logs(key, job)
        self._runs.note_lost_ones(job)
        decided = self._decide(where, job)
        self._faults.note(job, decided.status)
        releases = any(map(_takes_a_place, decided.actions))
        if releases:
            # Before anything is awaited: another worker must not give the same place away.
            # One that kept its place, or has it from Kueue, did not have to stand in line.
            self._cache.line_up(job)
            self._cache.reserve(job.metadata.uid)
        untold = None
        try:
            untold = await self._carry_out(key, job, decided)
        except (NotFoundError, ConflictError):
            await self._look_again(job)
            self._queue.add(key)
        except UnavailableError:
            self._memory(job).unanswered = True
            raise
        finally:
            if releases:
                self._cache.step_out(job.metadata.uid)
        again = decided.wake_after.total_seconds() if decided.wake_after else None
        return min(filter(None, (untold, again)), default=None)

    def _mark_logs(self, key: WorkKey, job: Job) -> None:
        if job.status.mlflow_run_id is None:
            return
        for pod in self._cache.pods(job):
            if pod.container and not pod.deleting:
                self._archive.mark(key, job.metadata.uid, pod.name, pod.container)

    def depart(self, job: Job) -> None:
        """Take note that a job was deleted, with its last status."""
        job = self._status_writer.known(job)
        self._status_writer.forget(job.metadata.uid)
        self._memories.pop(job.metadata.uid, None)
        self._doubts.forget(job.metadata.uid)
        self._batch_jobs.forget(job)
        self._faults.forget(job.metadata.uid)
        self._departed[job.key][job.metadata.uid] = job
        self._queue.add(WorkKey("job", *job.key))

    def take_stock(self) -> None:
        """Forget what was found out, and what was done: the cluster is as it was some time ago."""
        self._runs.inherit(self.known_uids())
        for uid in self.known_uids():
            self._tracker.doubt_end(uid)
        self._memories.clear()
        self._status_writer.forget_all()
        jobs = self._cache.jobs.values()
        self._bereft = {job.metadata.uid for job in jobs if self._cache.batch_job(job) is None}

    def known_uids(self) -> frozenset[str]:
        """Return the UIDs of the jobs that are there, and of those that are being seen off."""
        leaving = (uid for jobs in self._departed.values() for uid in jobs)
        return frozenset((*(job.metadata.uid for job in self._cache.jobs.values()), *leaving))

    def end_run_again(self, job: Job) -> None:
        """Give a run its end that has lost it."""
        action = run_end.end(job.status)
        if action is not None:
            self._runs.end(WorkKey("job", *job.key), job, action)

    def _memory(self, job: Job) -> _Memory:
        return self._memories.setdefault(job.metadata.uid, _Memory())

    def _decide(self, key: Key, job: Job) -> Plan:
        snapshot = self._snapshot(key, job)
        decided = plan(snapshot)
        if not decided.wants_place:
            self._cache.step_out(job.metadata.uid)
        elif snapshot.place is None:
            self._cache.line_up(job)
            return plan(self._snapshot(key, job))
        return decided

    async def _see_off(self, key: WorkKey, where: Key) -> None:
        """Bring the runs of deleted jobs of this name on to their ends."""
        for uid, job in tuple(self._departed.get(where, {}).items()):
            decided = plan_deleted(self._snapshot(where, job))
            if decided is None:
                del self._departed[where][uid]
                self._memories.pop(uid, None)
                self._runs.forget(uid)
                self._archive.forget(uid)
                self._last_lines.forget(uid)
                continue
            for action in decided.actions:
                await self._act(key, job, action)
        if not self._departed.get(where, True):
            del self._departed[where]

    async def _ask_what_was_done(self, where: Key) -> None:
        """Find out what became of a request without an answer, before anything rests on it."""
        job = self._cache.jobs.get(where)
        memory = self._memories.get(job.metadata.uid) if job else None
        if job and memory and memory.unanswered:
            await self._look_again(job)
            memory.unanswered = False
            self._doubts.look(job)

    def _snapshot(self, key: Key, job: Job) -> Snapshot:
        cache, uid = self._cache, job.metadata.uid
        namespace = key[0]
        experiment = cache.experiments.get((namespace, job.spec.experiment))
        queue_key = cache.queue_of(job)
        queue = cache.queues.get(queue_key) if queue_key else None
        ledger = cache.ledger(queue_key) if queue_key else None
        known = ledger is not None and (ledger.has(uid) or ledger.holds(uid))
        if ledger:
            ledger.resume(self._clock())
        names = (d.name for d in job.spec.depends_on)
        others = {name: cache.jobs.get((namespace, name)) for name in names}
        batch_job = cache.batch_job(job)
        memory, tries = self._memories.get(uid, _Memory()), self._batch_jobs.tries(uid)
        pods = cache.pods(job)
        if batch_job is not None:
            self._bereft.discard(uid)
        orphans = [p for p in pods if batch_job is not None and p.owner_uid != batch_job.uid]
        traces = (
            memory.traces.get(ReadTraces(batch_job.uid, batch_job.succeeded)) if batch_job else None
        )
        return Snapshot(
            job=job,
            now=self._clock(),
            tracking_uri=self._job_tracking_uri,
            installation=cache.installation,
            default_image=self._default_image,
            kept_back=self._kept_back,
            experiment=experiment,
            queue=queue,
            others={name: other for name, other in others.items() if other is not None},
            awaited=job.status.ended
            and any(awaited_by(cache.jobs[other], job) for other in cache.graph.dependents(key)),
            cycle=tuple(name for _, name in cache.graph.cycle(key)),
            batch_job=batch_job,
            batch_job_missed=memory.batch_job_missed,
            namespace_ends=memory.namespace_ends,
            turned_back=uid in self._bereft,
            rejection=tries.rejection,
            refused=tries.refused,
            short_since=self._batch_jobs.short_since(namespace),
            next_refused=self._batch_jobs.next_refused(namespace),
            service_seen=tries.service_seen,
            workload=memory.workload,
            warnings=memory.warnings,
            pods=tuple(p for p in pods if p not in orphans),
            gone=cache.gone_pods(batch_job) if batch_job else (),
            traces=traces,
            orphans=tuple(orphans),
            pods_complete=memory.pods_read_of == (batch_job.uid if batch_job else ""),
            contested=ledger is not None and ledger.contested,
            place=ledger.place(uid, queue) if ledger and queue and known else None,
            run=self._tracker.view(uid),
            keeps_logs=self._archive.keeps,
            said=self._last_lines.said(uid),
            logs=self._archive.views(uid),
        )

    async def _carry_out(self, key: WorkKey, job: Job, decided: Plan) -> float | None:
        untold = await self._status_writer.tell(job, decided)
        self._note_what_is_over(job.status, job, decided.status)
        for action in decided.actions:
            batch_job = self._cache.batch_job(job)
            try:
                await self._act(key, job, action)
            except UnavailableError:
                if _takes_a_place(action):
                    self._doubts.note(job, batch_job.resource_version if batch_job else None)
                raise
        return untold

    def _note_what_is_over(self, before: JobStatus, job: Job, after: JobStatus) -> None:
        """Take note of what others wait for that a job needed, and needs no more."""
        if after.ended and not before.ended:
            self._last_lines.forget(job.metadata.uid)
            self._batch_jobs.note_end(job)
        if is_settled(after) and not is_settled(before):
            self._batch_jobs.note_settled(job.metadata.namespace)

    async def _act(self, key: WorkKey, job: Job, action: Action) -> None:
        match action:
            case CreateRun():
                self._runs.create(key, job, action)
            case EndRun():
                self._runs.end(key, job, action)
            case ArchiveLog():
                self._archive.request(key, job.metadata.uid, action)
            case ReadLastLines():
                self._last_lines.request(key, job.metadata.uid, action)
            case _ if isinstance(action, Inquiry):
                await self._ask(key, job, action)
            case _:
                await self._batch_jobs.act(job, action)

    async def _ask(self, key: WorkKey, job: Job, action: Inquiry) -> None:
        memory, gateway, namespace = self._memory(job), self._gateway, key.namespace
        match action:
            case ReadBatchJob():
                await self._look_again(job)
                memory.batch_job_missed = self._cache.batch_job(job) is None
            case ReadNamespace():
                memory.namespace_ends = await is_ending(gateway, namespace)
            case ReadPods():
                # Another may be made while they are listed.
                batch_job = self._cache.batch_job(job)
                async for body in gateway.list_all(PODS, namespace, f"{JOB_LABEL}={key.name}"):
                    self._cache.put(PODS, body)
                memory.pods_read_of = batch_job.uid if batch_job else ""
            case ReadWorkload(uid):
                memory.workload = await read_workload(gateway, namespace, uid, self._clock())
            case ReadWarnings(uid):
                before = memory.warnings.get(uid)
                view = await read_warnings(gateway, namespace, uid, self._clock(), before)
                memory.warnings[uid] = view
            case ReadTraces(uid):
                memory.traces[action] = await read_traces(gateway, namespace, uid)
        self._queue.add(key)

    async def _look_again(self, job: Job) -> None:
        """Something that was meant is not there; see what, and go by that."""
        for kind in (JOBS, BATCH_JOBS):
            known = self._cache.uid(kind, job.key)
            try:
                self._see(kind, await self._gateway.get(kind, *job.key))
            except NotFoundError:
                if known is not None:
                    self._cache.drop(kind, *job.key, known)


def _takes_a_place(action: Action) -> bool:
    return isinstance(action, Release) or (isinstance(action, CreateBatchJob) and action.runs)
