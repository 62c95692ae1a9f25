"""Those who act on batch/v1 Jobs and pods: controllers, garbage collector, kubelet and Kueue.

Who moves next is left to chance, so that all of their moves come in any order.
"""

import asyncio
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from enum import StrEnum
from functools import partial
from itertools import cycle
from typing import Any

from alidade_core.contract import PEER_LOST, RUN_LOST
from alidade_operator.decide.admission import kueue
from alidade_operator.kube.gateway import BATCH_JOBS, EVENTS, PODS, WORKLOADS, Body
from alidade_operator.objects.well_known import (
    FLAVOR_LABEL,
    JOB_LABEL,
    JOB_UID_LABEL,
    LOCAL_QUEUE_LABEL,
    WORKER,
)
from tests.support.builders import stamp
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance, Move, clock
from tests.support.simulation.garbage_collector import GarbageCollector
from tests.support.simulation.job_controller import JobController
from tests.support.simulation.job_steps import ended
from tests.support.simulation.namespaces import NamespaceController
from tests.support.simulation.pods import active, bound, deleting, index_of, over, tracked
from tests.support.virtual_time import now


class Fate(StrEnum):
    """What becomes of one attempt at a job."""

    WELL = "ends well"
    BADLY = "fails"
    KILLED = "is killed for its memory"
    EVICTED = "is evicted"
    DRAINED = "is deleted, saves its work and exits with 0"
    REJECTED = "is rejected by its kubelet"
    STUCK = "never gets its image"


INTERRUPTED = frozenset({Fate.EVICTED, Fate.DRAINED, Fate.REJECTED})
"""Those that are neither an end of the job nor a failure of it."""
KILLED = 128 + 15
NODES = ("node-1", "10.0.0.7", ".".join(("n" * 63, "n" * 63, "n" * 63, "n" * 61)))
"""Names of nodes, the last of which is as long as one may be."""
CROWDED = "crowded"
"""The flavor of a queue in which no pod finds a node."""


class Cluster:
    """Those who act on objects beside the operator and the user.

    Args:
        server: The API server.
        chance: Who moves next, and when.
        fate: What becomes of an attempt at a job, by the job's name and the attempt's number.
        worker: Called with a pod that starts, and with the fate of one that ends; returns whether
            it found its MLflow run.
        node_after: Returns from when on there is a node for the pods of a job of this name, never
            where that is infinite.
        says: Returns what a pod says, or what is said of it.
        ahead: By how many seconds the clocks of nodes are ahead of the operator's, in turn.

    Attributes:
        ends: How many pods of a job's UID and an index have ended.
        preempted: UIDs of jobs whose pods Kueue has stopped, which it does once.
        drained: UIDs of batch/v1 Jobs that count a pod that was deleted as one that succeeded.
    """

    def __init__(
        self,
        server: ApiServer,
        chance: Chance,
        fate: Callable[[str, int], Fate],
        worker: Callable[[Body, Fate | None], bool],
        *,
        node_after: Callable[[str], float],
        says: Callable[[], str],
        ahead: Sequence[float],
    ) -> None:
        self._server = server
        self._chance = chance
        self._fate = fate
        self._worker = worker
        self._node_after = node_after
        self._says = says
        clocks = zip(NODES, cycle(ahead), strict=False)
        self._ahead = {name: timedelta(seconds=seconds) for name, seconds in clocks}
        self._next_node = cycle(self._ahead)
        self._job_controller = JobController(server, self._place, self._is_let_in)
        self._garbage_collector = GarbageCollector(server)
        self._namespace_controller = NamespaceController(server)
        self._events = 0
        self.ends: Counter[tuple[str, int]] = Counter()
        self._attempts: dict[str, int] = {}
        self.preempted: set[str] = set()
        self.drained: set[str] = set()

    async def run(self) -> None:
        """Let everybody act until cancelled."""
        while True:
            await self._chance.pause()
            moves = [
                *self._job_controller.moves(),
                *self._garbage_collector.moves(),
                *self._namespace_controller.moves(),
                *self._kubelet(),
                *self._scheduler(),
                *self._kueue(),
            ]
            if moves:
                self._chance.choice(moves)()
            else:
                self._server.changed.clear()
                await self._server.changed.wait()

    def _kubelet(self) -> Iterator[Move]:
        for pod in self._server.all(PODS):
            if not over(pod) and deleting(pod):
                yield from self._stop(pod)
            elif not over(pod) and "nodeName" in pod["spec"]:
                yield from self._bring_on(pod)
            elif pod["metadata"].get("deletionGracePeriodSeconds"):
                yield partial(self._delete, pod, grace=0)

    def _stop(self, pod: Body) -> Iterator[Move]:
        """End a pod that is being deleted: its kubelet does, or the pod garbage collector."""
        runs = pod["status"]["phase"] == "Running"
        if runs and self._fate_of(pod) is Fate.DRAINED and tracked(pod) and not index_of(pod):
            yield partial(self._save_and_end, pod)
        elif runs:
            yield partial(self._kill, pod)
        else:
            yield partial(self._show, pod, "Failed", waiting={"reason": "ContainerCreating"})

    def _delete(self, pod: Body, grace: int | None = None) -> None:
        meta = pod["metadata"]
        self._server.delete(PODS, meta["name"], meta["namespace"], grace=grace)

    def _update(self, pod: Body, **parts: Any) -> None:
        meta = pod["metadata"]
        self._server.update(PODS, meta["name"], meta["namespace"], **parts)

    def _kueue(self) -> Iterator[Move]:
        for job in self._server.all(BATCH_JOBS):
            if LOCAL_QUEUE_LABEL not in job["metadata"]["labels"] or ended(job) or deleting(job):
                continue
            name, namespace = f"job-{job['metadata']['uid']}", job["metadata"]["namespace"]
            if self._server.find(WORKLOADS, name, namespace) is None:
                yield partial(self._let_wait, job, name)
            if job["spec"]["suspend"]:
                yield partial(self._suspend, job, False)
            elif owner_by_pods(job) not in self.preempted:
                yield partial(self._preempt, job)

    def _let_wait(self, job: Body, name: str) -> None:
        """Say that there is no quota yet, in whatever words."""
        meta, since = job["metadata"], stamp(self._server.time())
        waits = _condition("QuotaReserved", "False", "Pending", since) | {"message": self._says()}
        named = {"name": name, "labels": {kueue.JOB_UID_LABEL: meta["uid"]}}
        told = {"metadata": named, "status": {"conditions": [waits]}}
        self._server.place(WORKLOADS, told, meta["namespace"])

    def _preempt(self, job: Body) -> None:
        self.preempted.add(owner_by_pods(job))
        self._suspend(job, True)

    def _suspend(self, job: Body, suspend: bool) -> None:
        meta, spec = job["metadata"], {**job["spec"], "suspend": suspend}
        self._server.update(BATCH_JOBS, meta["name"], meta["namespace"], spec=spec)

    def _bring_on(self, pod: Body) -> Iterator[Move]:
        fate = self._fate_of(pod)
        state = pod["status"]["containerStatuses"][0]["state"]
        if pod["status"]["phase"] == "Running" and fate is Fate.DRAINED and not index_of(pod):
            yield partial(self._delete, pod)
        elif pod["status"]["phase"] == "Running":
            yield partial(self._end, pod, fate)
        elif fate is Fate.REJECTED and not index_of(pod):
            yield partial(self._reject, pod)
        elif fate is not Fate.STUCK:
            yield partial(self._start, pod)
        elif not state:
            why = {"reason": "ErrImagePull", "message": self._says()}
            yield partial(self._show, pod, "Pending", waiting=why)

    def _fate_of(self, pod: Body) -> Fate:
        job = pod["metadata"]["labels"][JOB_LABEL]
        return self._fate(job, self._attempts[pod["metadata"]["uid"]])

    def _start(self, pod: Body) -> None:
        if self._worker(pod, None):
            self._show(pod, "Running", running={"startedAt": self._stamp(pod)})
            return
        times = {"startedAt": self._stamp(pod), "finishedAt": self._stamp(pod)}
        self._show(pod, "Failed", terminated={"exitCode": RUN_LOST, "reason": "Error", **times})

    def _reject(self, pod: Body) -> None:
        self.ends[pod["metadata"]["labels"][JOB_UID_LABEL], 0] += 1
        status = {
            "phase": "Failed",
            "reason": "OutOfcpu",
            "message": f"Pod was rejected: Node didn't have enough resource: {self._says()}",
        }
        self._update(pod, status=status)

    def _save_and_end(self, pod: Body) -> None:
        self._tell_of_stop(pod)
        self.drained.add(owner_of(pod))
        self._end(pod, Fate.WELL)

    def _tell_of_stop(self, pod: Body) -> None:
        self._tell("Pod", pod, "Killing", f"Stopping container {WORKER}")

    def _kill(self, pod: Body) -> None:
        self._tell_of_stop(pod)
        began = pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
        times = {"startedAt": began, "finishedAt": self._stamp(pod)}
        self._show(pod, "Failed", terminated={**times, "exitCode": KILLED, "reason": "Error"})

    def _end(self, pod: Body, fate: Fate) -> None:
        self._worker(pod, fate)
        self.ends[pod["metadata"]["labels"][JOB_UID_LABEL], index_of(pod)] += 1
        job = pod["metadata"]["labels"][JOB_LABEL]
        model = f"{job}-model" if not index_of(pod) else "another"
        outputs = {"model": model, "note": self._says()}
        ended = {
            "startedAt": pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"],
            "finishedAt": self._stamp(pod),
            "exitCode": {Fate.WELL: 0, Fate.BADLY: 1}.get(fate, 137),
            "reason": {Fate.WELL: "Completed", Fate.KILLED: "OOMKilled"}.get(fate, "Error"),
            "message": json.dumps(outputs) if fate is Fate.WELL else self._says(),
        }
        if index_of(pod) and fate is not Fate.WELL:
            # What befalls a job befalls the first of its replicas.
            ended |= {"exitCode": PEER_LOST, "reason": "Error"}
            fate = Fate.BADLY
        disruption = [
            _condition("DisruptionTarget", "True", "TerminationByKubelet", self._stamp(pod))
        ]
        self._show(
            pod,
            "Succeeded" if fate is Fate.WELL else "Failed",
            conditions=disruption if fate is Fate.EVICTED else [],
            terminated=ended,
        )

    def _show(
        self, pod: Body, phase: str, conditions: list[Body] | None = None, **state: Body
    ) -> None:
        known = [c for c in pod["status"]["conditions"] if c["type"] == "PodScheduled"]
        began = pod["status"].get("startTime") or self._stamp(pod)
        status = {
            "phase": phase,
            **({"startTime": began} if "nodeName" in pod["spec"] else {}),
            "conditions": [*known, *(conditions or [])],
            "containerStatuses": [{"name": WORKER, "state": state, "imageID": self._says()}],
        }
        self._update(pod, status=status)

    def _place(self, job: Body, pod: Body) -> None:
        """Find a node for a new pod."""
        meta = pod["metadata"]
        owner = meta["labels"][JOB_UID_LABEL]
        self._attempts[meta["uid"]] = self.ends[owner, index_of(pod)]
        node = next(self._next_node) if self._has_node(pod) else None
        found = ("True", "") if node else ("False", "Unschedulable")
        status = {
            "phase": "Pending",
            "conditions": [_condition("PodScheduled", *found, stamp(self._server.time()))],
            "containerStatuses": [{"name": WORKER, "state": {}}],
        }
        spec = pod["spec"] | ({"nodeName": node} if node else {})
        self._tell("Job", job, "SuccessfulCreate", f"Created pod: {meta['name']}")
        self._update(pod, spec=spec, status=status)

    def _has_node(self, pod: Body) -> bool:
        labels = pod["metadata"]["labels"]
        if labels.get(FLAVOR_LABEL) == CROWDED:
            return False
        left = self._node_after(labels[JOB_LABEL]) - now()
        if 0 < left < math.inf:
            asyncio.get_running_loop().call_later(left, self._server.changed.set)
        return left <= 0

    def _scheduler(self) -> Iterator[Move]:
        for pod in self._server.all(PODS):
            told = pod["status"].get("conditions", ())
            waits = any(c.get("reason") == "Unschedulable" for c in told) and active(pod)
            if waits and self._has_node(pod):
                yield partial(self._bind, pod)

    def _bind(self, pod: Body) -> None:
        self._update(pod, **bound(pod, next(self._next_node), stamp(self._server.time())))

    def _is_let_in(self, job: Body) -> bool:
        """Refuse some pods, for which there is an event; none is let into what ends."""
        if not self._server.is_open(job["metadata"]["namespace"]):
            return False
        if not self._chance.mishap(0.3):
            return True
        self._tell("Job", job, "FailedCreate", "Error creating: exceeded quota: pods", "Warning")
        return False

    def _tell(self, kind: str, about: Body, reason: str, note: str, sort: str = "Normal") -> None:
        """Record an event of an object of this kind."""
        self._events += 1
        name, uid = about["metadata"]["name"], about["metadata"]["uid"]
        namespace = about["metadata"]["namespace"]
        event = {
            "metadata": {"name": f"event-{self._events}"},
            "regarding": {"kind": kind, "name": name, "uid": uid},
            "type": sort,
            "reason": reason,
            "note": note,
            "deprecatedLastTimestamp": self._stamp(about),
        }
        if self._server.is_open(namespace):
            self._server.place(EVENTS, event, namespace)

    def _stamp(self, about: Body) -> str:
        """Return the time by who looks after an object: a pod's kubelet, or the control plane."""
        node = about["spec"].get("nodeName")
        return stamp(clock() + self._ahead[node] if node else self._server.time())


def owner_of(body: Body) -> str:
    """Return the UID of the object that owns another."""
    return str(body["metadata"]["ownerReferences"][0]["uid"])


def owner_by_pods(batch: Body) -> str:
    """Return the UID of a batch/v1 Job's owner as its pods bear it, which nobody can change."""
    return str(batch["spec"]["template"]["metadata"]["labels"][JOB_UID_LABEL])


def _condition(kind: str, status: str, reason: str, since: str) -> Body:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "lastTransitionTime": since,
    }
