"""What the operator knows of the cluster, indexed by what it asks.

Objects come from watches, from lists and from the answers to the operator's own requests, in any
order; an older version never replaces a newer one. Each change says which keys it is about, so
that nothing is planned again that the change cannot have touched.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job
from alidade_core.api.queue import Queue
from alidade_operator.decide.admission.ledger import QueueLedger
from alidade_operator.decide.gate.dependencies import decisive
from alidade_operator.decide.sums.experiment import what_jobs_rest_on
from alidade_operator.decide.sums.tally import Tally
from alidade_operator.index.gone import Gone
from alidade_operator.index.graph import DependencyGraph, Key
from alidade_operator.index.horizon import Horizon
from alidade_operator.index.interning import Interning
from alidade_operator.index.places import Places
from alidade_operator.index.pods import Pods
from alidade_operator.index.versions import is_stale, uid_of, version_of
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    EXPERIMENTS,
    JOBS,
    PODS,
    QUEUES,
    TOO_DEEP,
    Body,
    Kind,
)
from alidade_operator.objects.reading import UnreadableError, pod, read_batch_job
from alidade_operator.objects.views import BatchJob, Pod
from alidade_operator.objects.well_known import JOB_UID_LABEL


class WorkKey(NamedTuple):
    """What is to be reconciled."""

    kind: Literal["job", "experiment", "queue"]
    namespace: str
    name: str


Wake = Callable[[WorkKey], None]


class Cache:
    """The last known version of every object, with the indexes over them.

    Args:
        wake: Called with each key that a change concerns.
        see_off: Called with each job that is gone, as it last was.

    Attributes:
        horizon: Up to which version anything is known.
        installation: UID of the namespace that the operator is installed in, empty if in none.
    """

    def __init__(self, wake: Wake, see_off: Callable[[Job], None] = lambda _: None) -> None:
        self._wake = wake
        self._see_off = see_off
        self.installation = ""
        self.experiments: dict[Key, Experiment] = {}
        self.queues: dict[Key, Queue] = {}
        self.jobs: dict[Key, Job] = {}
        self.batch_jobs: dict[Key, BatchJob] = {}
        self.graph = DependencyGraph()
        self._pods = Pods()
        self._key_of: dict[str, Key] = {}
        self._jobs_of: defaultdict[Key, set[Key]] = defaultdict(set)
        self._tallies: defaultdict[Key, Tally] = defaultdict(Tally)
        self._places = Places()
        self._gone = Gone()
        self._interning = Interning()
        self.horizon = Horizon()

    # What there is.

    @property
    def drops(self) -> int:
        """How many objects have gone so far."""
        return self._gone.count

    def batch_job(self, job: Job) -> BatchJob | None:
        """Return the batch/v1 Job of a job, None where there is none that is its own."""
        found = self.batch_jobs.get(job.key)
        return found if found is not None and found.owner_uid == job.metadata.uid else None

    def pods(self, job: Job) -> tuple[Pod, ...]:
        """Return the pods of a job, those of its earlier batch/v1 Jobs among them."""
        return self._pods.of(job.metadata.uid)

    def gone_pods(self, batch_job: BatchJob) -> tuple[Pod, ...]:
        """Return the last pods of a batch/v1 Job that are gone, as they last were."""
        return self._pods.gone(batch_job.uid)

    def job(self, uid: str | None) -> Job | None:
        """Return the job of this UID."""
        key = self._key_of.get(uid or "")
        return self.jobs[key] if key else None

    def owner(self, kind: Kind, key: Key) -> Job | None:
        """Return the job that a known batch/v1 Job or pod is of."""
        if kind == BATCH_JOBS and (batch_job := self.batch_jobs.get(key)):
            return self.job(batch_job.owner_uid)
        if kind == PODS and (found := self._pods.by_name.get(key)):
            return self.job(self._pods.job_of(found))
        return None

    def tally(self, experiment: Key) -> Tally:
        """Return how the jobs of an experiment stand."""
        return self._tallies[experiment]

    def ledger(self, queue: Key) -> QueueLedger:
        """Return the ledger of a queue."""
        return self._places.ledger(queue)

    def owner_of(self, kind: Kind, metadata: Mapping[str, Any]) -> Job | None:
        """Return the job that a batch/v1 Job or a pod is of which is not known, nor need be."""
        owners = metadata.get("ownerReferences") or ()
        controller = next((o["uid"] for o in owners if o.get("controller")), None)
        labelled = (metadata.get("labels") or {}).get(JOB_UID_LABEL)
        owner = self._pods.job_of_batch(controller) if kind == PODS else controller
        return self.job(owner) or self.job(labelled)

    def queue_of(self, job: Job) -> Key | None:
        """Return the key of the queue that a job names, itself or by its experiment.

        One that was let run stays with the queue that let it, whatever its experiment says by now.
        """
        namespace = job.metadata.namespace
        batch_job = self.batch_job(job)
        if batch_job and batch_job.holds_place and batch_job.queue:
            return (namespace, batch_job.queue)
        experiment = self.experiments.get((namespace, job.spec.experiment))
        name = job.spec.queue or (experiment and experiment.spec.queue)
        return (namespace, name) if name else None

    # Who stands in line.

    def line_up(self, job: Job) -> None:
        """Put a job in the line of its queue, and out of that of another."""
        uid, queue = job.metadata.uid, self.queue_of(job)
        if queue != self._places.line_of(uid):
            self.step_out(uid)
        if queue is not None:
            self._places.line_up(job, queue)
            # Its status tells how many wait, and theirs at which position.
            self._wake(WorkKey("queue", *queue))

    def reserve(self, uid: str) -> None:
        """Keep a place for a job that is first in line."""
        self._places.reserve(uid)

    def doubt(self, uid: str) -> None:
        """Have a job keep its place, as what was asked for it may yet come about."""
        self._places.doubt(uid)

    def believe(self, uid: str) -> None:
        """Let the place go that a job has kept; who comes next is woken."""
        self._call_next(self._places.believe(uid))

    def step_out(self, uid: str) -> None:
        """Take a job out of line, or give up the place kept for it; who comes next is woken."""
        self._call_next(self._places.step_out(uid))

    # What happens.

    def put(self, kind: Kind, body: Body) -> None:
        """Take in a version of an object, if it is newer than the one known.

        Raises:
            pydantic.ValidationError: It is not what its kind is.
            UnreadableError: As above.
        """
        if TOO_DEEP in body:
            raise UnreadableError(f"{body[TOO_DEEP]}: has more levels than can be read")
        self.horizon.note(kind, body)
        if body["metadata"]["uid"] in self._gone:
            return
        if kind == JOBS:
            self._put_job(self._interning.share(Job.model_validate(body)))
        elif kind == PODS:
            self._put_pod(pod(body))
        elif kind == BATCH_JOBS:
            self._put_batch_job(read_batch_job(body))
        elif kind == EXPERIMENTS:
            self._put_experiment(Experiment.model_validate(body))
        elif kind == QUEUES:
            self._put_queue(Queue.model_validate(body))

    def put_answer(self, kind: Kind, body: Body) -> None:
        """Take in the answer to a change of an object, unless the object is gone by now."""
        metadata = body["metadata"]
        if self.uid(kind, (metadata["namespace"], metadata["name"])) == metadata["uid"]:
            self.put(kind, body)

    def drop(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Forget an object that is gone; late news of it do not bring it back."""
        self._gone.add(uid)
        key = (namespace, name)
        if self.uid(kind, key) == uid:
            self.forget(kind, key)

    def forget(self, kind: Kind, key: Key) -> None:
        """Know an object no longer, be it there or gone."""
        if kind == JOBS:
            self._drop_job(key)
        elif kind == PODS:
            self._drop_pod(key)
        elif kind == BATCH_JOBS:
            self._drop_batch_job(key)
        else:
            del self._store(kind)[key]
            self._wake_all_of(kind, key)

    def undo(self, kind: Kind, key: Key) -> None:
        """Take any version of an object for a newer one: the store has gone back behind it."""
        store = self._store(kind)
        known = store[key]
        if isinstance(known, Pod | BatchJob):
            store[key] = replace(known, resource_version="0")
        else:
            metadata = known.metadata.model_copy(update={"resource_version": "0"})
            store[key] = known.model_copy(update={"metadata": metadata})

    def revive(self, uid: str, drops: int) -> bool:
        """Believe again in what was gone when so many objects had; say if it was."""
        return self._gone.revive(uid, drops)

    def uid(self, kind: Kind, key: Key) -> str | None:
        """Return the UID of the known object of this kind and name."""
        known = self._store(kind).get(key)
        return None if known is None else uid_of(known)

    def version(self, kind: Kind, key: Key) -> tuple[str, int] | None:
        """Return UID and version of the known object of this kind and name."""
        known = self._store(kind).get(key)
        return None if known is None else (uid_of(known), version_of(known))

    def known(self, kind: Kind) -> Iterator[tuple[Key, str, int]]:
        """Yield key, UID and version of every known object of a kind."""
        for key, known in tuple(self._store(kind).items()):
            yield key, uid_of(known), version_of(known)

    def _store(self, kind: Kind) -> dict[Key, Any]:
        stores: dict[Kind, dict[Key, Any]] = {
            JOBS: self.jobs,
            PODS: self._pods.by_name,
            BATCH_JOBS: self.batch_jobs,
            EXPERIMENTS: self.experiments,
            QUEUES: self.queues,
        }
        return stores[kind]

    def _put_job(self, job: Job) -> None:
        key = job.key
        old = self.jobs.get(key)
        if is_stale(job, old):
            return
        if old is not None and old.metadata.uid != job.metadata.uid:
            self._drop_job(key)
            old = None
        self.jobs[key] = job
        self._key_of[job.metadata.uid] = key
        experiment = (key[0], job.spec.experiment)
        if old is None:
            self._jobs_of[experiment].add(key)
            self._wake_jobs(self.graph.add(key, ((key[0], d.name) for d in job.spec.depends_on)))
        self._wake_job(key)
        if old is None or decisive(old.status) != decisive(job.status):
            self._wake_jobs(self.graph.dependents(key))
        if old is None or old.status.state is not job.status.state:
            self._tallies[experiment].put(job)
            self._wake(WorkKey("experiment", *experiment))

    def _drop_job(self, key: Key) -> None:
        job = self.jobs.pop(key)
        del self._key_of[job.metadata.uid]
        experiment = (key[0], job.spec.experiment)
        self._jobs_of[experiment].discard(key)
        self._tallies[experiment].drop(job)
        self._wake(WorkKey("experiment", *experiment))
        self.step_out(job.metadata.uid)
        self._wake_jobs(self.graph.remove(key))
        self._wake_jobs(self.graph.dependents(key))
        self._wake_job(key)
        self._see_off(job)

    def _put_batch_job(self, batch_job: BatchJob) -> None:
        key = (batch_job.namespace, batch_job.name)
        old = self.batch_jobs.get(key)
        if is_stale(batch_job, old):
            return
        if old is not None and old.uid != batch_job.uid:
            self._drop_batch_job(key)
        self.batch_jobs[key] = batch_job
        if self._pods.adopt(batch_job.uid, batch_job.owner_uid or ""):
            for found in self._pods.under(batch_job.uid):
                self._hold(found, self._pods.job_of(found), holds=not found.over)
        self._hold(batch_job, batch_job.owner_uid, holds=batch_job.holds_place)
        if batch_job.owner_uid is not None and batch_job.queue is not None:
            self._wake_job(key)

    def _drop_batch_job(self, key: Key) -> None:
        gone = self.batch_jobs.pop(key)
        self._call_next(self._places.release(gone.uid))
        self._pods.disown(gone.uid)
        self._wake_job(key)

    def _hold(self, held: BatchJob | Pod, job_uid: str | None, *, holds: bool) -> None:
        """Keep account of the place that a batch/v1 Job or a pod holds for its job, or does not."""
        queue = (held.namespace, held.queue or "")
        if holds and job_uid and held.queue:
            if not self._places.holds(held.uid, queue, job_uid):
                self._call_next(self._places.release(held.uid))
                self._places.hold(held.uid, queue, job_uid, held.experiment or "")
                self._wake(WorkKey("queue", *queue))
        else:
            self._call_next(self._places.release(held.uid))

    def _call_next(self, queue: Key | None) -> None:
        """Wake who may have the place that there is in a queue."""
        if queue is None:
            return
        known = self.queues.get(queue)
        if known is not None:
            self._wake_jobs((queue[0], name) for name in self.ledger(queue).next_in_line(known))
        self._wake(WorkKey("queue", *queue))

    def _put_pod(self, found: Pod) -> None:
        key = (found.namespace, found.name)
        if is_stale(found, self._pods.by_name.get(key)):
            return
        if found.job is None and self._pods.job_of(found) is None:
            return
        old = self._pods.by_name.get(key)
        if old is not None and old.uid != found.uid:
            self._call_next(self._places.release(old.uid))
        self._pods.put(found)
        self._hold(found, self._pods.job_of(found), holds=not found.over)
        self._wake_job_of(found)

    def _drop_pod(self, key: Key) -> None:
        gone = self._pods.by_name[key]
        self._wake_job_of(gone)
        self._pods.drop(key)
        self._call_next(self._places.release(gone.uid))

    def _wake_job_of(self, found: Pod) -> None:
        # One that is gone is to be seen off, and known by its name only.
        owner = self._key_of.get(self._pods.job_of(found) or "")
        labelled = (found.namespace, found.job) if found.job else None
        self._wake_jobs(filter(None, (owner, labelled)))

    def _put_experiment(self, experiment: Experiment) -> None:
        old = self.experiments.get(experiment.key)
        if is_stale(experiment, old):
            return
        self.experiments[experiment.key] = experiment
        self._wake(WorkKey("experiment", *experiment.key))
        if old is None or what_jobs_rest_on(old) != what_jobs_rest_on(experiment):
            self._wake_all_of(EXPERIMENTS, experiment.key)

    def _put_queue(self, queue: Queue) -> None:
        old = self.queues.get(queue.key)
        if is_stale(queue, old):
            return
        self.queues[queue.key] = queue
        self._wake(WorkKey("queue", *queue.key))
        if old is None or old.spec != queue.spec:
            self._wake_all_of(QUEUES, queue.key)

    def _wake_all_of(self, kind: Kind, key: Key) -> None:
        if kind == EXPERIMENTS:
            concerned = sorted(self._jobs_of.get(key, ()))
        else:
            concerned = [k for k, job in self.jobs.items() if self.queue_of(job) == key]
        self._wake_jobs(k for k in concerned if not self.jobs[k].status.over)

    def _wake_job(self, key: Key) -> None:
        self._wake(WorkKey("job", *key))

    def _wake_jobs(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._wake_job(key)
