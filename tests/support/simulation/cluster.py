"""Those who act on batch/v1 Jobs and pods: job controller, garbage collector, kubelet and Kueue.

Who moves next is left to chance, so that all of their moves come in any order.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from alidade.domain.failure_policy import PEER_LOST
from alidade.domain.observed import (
    COMPLETION_INDEX,
    FLAVOR_LABEL,
    JOB_LABEL,
    JOB_UID_LABEL,
    LOCAL_QUEUE_LABEL,
    WORKER,
)
from alidade.kube.gateway import BATCH_JOBS, EVENTS, JOBS, PODS, SERVICES, Body
from tests.support.builders import owner_reference, stamp
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance, clock


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
Move = Callable[[], None]
CROWDED = "crowded"
"""The flavor of a queue in which no pod finds a node."""


class Cluster:
    """Those who act on objects beside the operator and the user.

    Args:
        server: The API server.
        chance: Who moves next, and when.
        fate: What becomes of an attempt at a job, by the job's name and the attempt's number.
        worker: Called with a pod that starts, and with the fate of one that ends.

    Attributes:
        preempted: Names of jobs whose pods Kueue has stopped, which it does once.
        drained: UIDs of batch/v1 Jobs that count a pod that was deleted as one that succeeded.
    """

    def __init__(
        self,
        server: ApiServer,
        chance: Chance,
        fate: Callable[[str, int], Fate],
        worker: Callable[[Body, Fate | None], None],
    ) -> None:
        self._server = server
        self._chance = chance
        self._fate = fate
        self._worker = worker
        self._pods_made = 0
        self._events = 0
        self._ends: Counter[tuple[str, int]] = Counter()
        self.preempted: set[str] = set()
        self.drained: set[str] = set()

    async def run(self) -> None:
        """Let everybody act until cancelled."""
        while True:
            await self._chance.pause()
            moves = [
                *self._job_controller(),
                *self._garbage_collector(),
                *self._kubelet(),
                *self._kueue(),
            ]
            if moves:
                self._chance.choice(moves)()
            else:
                self._server.changed.clear()
                await self._server.changed.wait()

    def _job_controller(self) -> Iterator[Move]:
        for job in self._server.all(BATCH_JOBS):
            if not ended(job) and not _deleting(job):
                yield from self._sync(job)

    def _sync(self, job: Body) -> Iterator[Move]:
        uid, status = job["metadata"]["uid"], job["status"]
        pods = [pod for pod in self._server.all(PODS) if owner_of(pod) == uid]
        active = [pod for pod in pods if not over(pod) and not _deleting(pod)]
        ends = [pod for pod in pods if over(pod)]
        succeeded = sum(pod["status"]["phase"] == "Succeeded" for pod in ends)
        failed = sum(pod["status"]["phase"] == "Failed" and not _ignored(pod) for pod in ends)
        here = {_index(pod) for pod in pods if not over(pod) or pod["status"]["phase"] != "Failed"}
        missing = set(range(job["spec"].get("completions", 1))) - here
        if (succeeded, failed) != (status.get("succeeded", 0), status.get("failed", 0)):
            yield partial(self._report, job, succeeded=succeeded, failed=failed)
        elif succeeded == job["spec"].get("completions", 1):
            yield partial(self._report, job, conditions=[_true("Complete", "CompletionsReached")])
        elif failed > job["spec"]["backoffLimit"] and active:
            yield from (partial(self._stop, pod) for pod in active)
        elif failed > job["spec"]["backoffLimit"]:
            yield partial(self._report, job, conditions=[_true("Failed", "BackoffLimitExceeded")])
        elif job["spec"]["suspend"]:
            yield from (partial(self._stop, pod) for pod in active)
        else:
            for index in missing:
                attempt = self._ends[owner_of(job), index]
                yield partial(self._make_pod, job, index, attempt)

    def _garbage_collector(self) -> Iterator[Move]:
        owners = {b["metadata"]["uid"] for k in (JOBS, BATCH_JOBS) for b in self._server.all(k)}
        for job in self._server.all(BATCH_JOBS):
            if owner_of(job) not in owners:
                yield partial(self._server.remove, BATCH_JOBS, job["metadata"]["name"])
            elif _deleting(job):
                pods = [p for p in self._server.all(PODS) if owner_of(p) == job["metadata"]["uid"]]
                yield from (partial(self._stop, pod) for pod in pods if not _deleting(pod))
                if not pods:
                    yield partial(self._server.remove, BATCH_JOBS, job["metadata"]["name"])
        for service in self._server.all(SERVICES):
            if owner_of(service) not in owners:
                yield partial(self._server.remove, SERVICES, service["metadata"]["name"])
        for pod in self._server.all(PODS):
            if owner_of(pod) not in owners and not _deleting(pod):
                yield partial(self._stop, pod)

    def _kubelet(self) -> Iterator[Move]:
        for pod in self._server.all(PODS):
            if _deleting(pod):
                yield from self._take_away(pod)
            elif not over(pod) and "nodeName" in pod["spec"]:
                yield from self._bring_on(pod)

    def _take_away(self, pod: Body) -> Iterator[Move]:
        """Let a pod that was given time end by itself, and be counted before it is gone."""
        if pod["metadata"].get("deletionGracePeriodSeconds"):
            yield partial(self._save_and_end, pod)
            return
        batches = {job["metadata"]["uid"]: job for job in self._server.all(BATCH_JOBS)}
        batch = batches.get(owner_of(pod))
        counted = batch is None or ended(batch) or _deleting(batch)
        if counted or owner_of(pod) not in self.drained:
            yield partial(self._server.remove, PODS, pod["metadata"]["name"])

    def _kueue(self) -> Iterator[Move]:
        for job in self._server.all(BATCH_JOBS):
            name = job["metadata"]["name"]
            if LOCAL_QUEUE_LABEL not in job["metadata"]["labels"] or ended(job) or _deleting(job):
                continue
            if job["spec"]["suspend"]:
                yield partial(self._suspend, job, False)
            elif name not in self.preempted:
                yield partial(self._preempt, job)

    def _preempt(self, job: Body) -> None:
        self.preempted.add(job["metadata"]["name"])
        self._suspend(job, True)

    def _suspend(self, job: Body, suspend: bool) -> None:
        spec = {**job["spec"], "suspend": suspend}
        self._server.update(BATCH_JOBS, job["metadata"]["name"], spec=spec)

    def _bring_on(self, pod: Body) -> Iterator[Move]:
        labels = pod["metadata"]["labels"]
        fate = self._fate(labels[JOB_LABEL], int(labels["attempt"]))
        state = pod["status"]["containerStatuses"][0]["state"]
        if pod["status"]["phase"] == "Running" and fate is Fate.DRAINED and not _index(pod):
            yield partial(self._stop, pod, 30)
        elif pod["status"]["phase"] == "Running":
            yield partial(self._end, pod, fate)
        elif fate is Fate.REJECTED and not _index(pod):
            yield partial(self._reject, pod)
        elif fate is not Fate.STUCK:
            yield partial(self._start, pod)
        elif not state:
            yield partial(self._show, pod, "Pending", waiting={"reason": "ErrImagePull"})

    def _start(self, pod: Body) -> None:
        self._worker(pod, None)
        self._show(pod, "Running", running={"startedAt": stamp(clock())})

    def _reject(self, pod: Body) -> None:
        self._ends[pod["metadata"]["labels"][JOB_UID_LABEL], 0] += 1
        status = {
            "phase": "Failed",
            "reason": "OutOfcpu",
            "message": "Pod was rejected: Node didn't have enough resource: cpu",
        }
        self._server.update(PODS, pod["metadata"]["name"], status=status)

    def _save_and_end(self, pod: Body) -> None:
        self.drained.add(owner_of(pod))
        self._end(pod, Fate.WELL)
        self._stop(self._server.read(PODS, pod["metadata"]["name"]))

    def _end(self, pod: Body, fate: Fate) -> None:
        self._worker(pod, fate)
        self._ends[pod["metadata"]["labels"][JOB_UID_LABEL], _index(pod)] += 1
        job = pod["metadata"]["labels"][JOB_LABEL]
        model = f"{job}-model" if not _index(pod) else "another"
        ended = {
            "startedAt": pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"],
            "finishedAt": stamp(clock()),
            "exitCode": {Fate.WELL: 0, Fate.BADLY: 1}.get(fate, 137),
            "reason": {Fate.WELL: "Completed", Fate.KILLED: "OOMKilled"}.get(fate, "Error"),
            "message": f'{{"model": "{model}"}}' if fate is Fate.WELL else "",
        }
        if _index(pod) and fate is not Fate.WELL:
            # What befalls a job befalls the first of its replicas.
            ended |= {"exitCode": PEER_LOST, "reason": "Error"}
            fate = Fate.BADLY
        disruption = [_true("DisruptionTarget", "TerminationByKubelet")]
        self._show(
            pod,
            "Succeeded" if fate is Fate.WELL else "Failed",
            conditions=disruption if fate is Fate.EVICTED else [],
            terminated=ended,
        )

    def _show(
        self, pod: Body, phase: str, conditions: list[Body] | None = None, **state: Body
    ) -> None:
        status = {
            "phase": phase,
            "conditions": [_true("PodScheduled", ""), *(conditions or [])],
            "containerStatuses": [{"name": WORKER, "state": state}],
        }
        self._server.update(PODS, pod["metadata"]["name"], status=status)

    def _make_pod(self, job: Body, index: int, attempt: int) -> None:
        self._pods_made += 1
        if self._chance.mishap(0.3):
            self._refuse(job)
            return
        template = job["spec"]["template"]
        meta = {
            **template["metadata"],
            "name": f"{job['metadata']['name']}-{self._pods_made}",
            "annotations": {
                **template["metadata"].get("annotations", {}),
                **({COMPLETION_INDEX: str(index)} if "completions" in job["spec"] else {}),
            },
            "labels": {**template["metadata"]["labels"], "attempt": str(attempt)},
            "ownerReferences": [
                owner_reference("batch", job["metadata"]["name"], job["metadata"]["uid"])
            ],
        }
        crowded = meta["labels"].get(FLAVOR_LABEL) == CROWDED
        found = ("False", "Unschedulable") if crowded else ("True", "")
        status = {
            "phase": "Pending",
            "conditions": [_condition("PodScheduled", *found)],
            "containerStatuses": [{"name": WORKER, "state": {}}],
        }
        spec = template["spec"] | ({} if crowded else {"nodeName": "node-1"})
        self._server.create(PODS, {"metadata": meta, "spec": spec})
        self._tell("Job", job, "SuccessfulCreate", f"Created pod: {meta['name']}")
        self._server.update(PODS, meta["name"], status=status)

    def _refuse(self, job: Body) -> None:
        self._tell("Job", job, "FailedCreate", "Error creating: exceeded quota: pods", "Warning")

    def _tell(self, kind: str, about: Body, reason: str, note: str, sort: str = "Normal") -> None:
        """Record an event of an object of this kind."""
        self._events += 1
        name, uid = about["metadata"]["name"], about["metadata"]["uid"]
        event = {
            "metadata": {"name": f"event-{self._events}"},
            "regarding": {"kind": kind, "name": name, "uid": uid},
            "type": sort,
            "reason": reason,
            "note": note,
            "deprecatedLastTimestamp": stamp(clock()),
        }
        self._server.place(EVENTS, event)

    def _report(self, job: Body, **fields: Any) -> None:
        name = job["metadata"]["name"]
        self._server.update(BATCH_JOBS, name, status={**job["status"], **fields})

    def _stop(self, pod: Body, grace: int = 0) -> None:
        if pod["status"]["phase"] == "Running":
            self._tell("Pod", pod, "Killing", f"Stopping container {WORKER}")
        gone = clock() + timedelta(seconds=grace)
        known = {"deletionTimestamp": stamp(gone), "deletionGracePeriodSeconds": grace}
        meta = {**pod["metadata"], **known}
        self._server.update(PODS, pod["metadata"]["name"], metadata=meta)


def ended(job: Body) -> bool:
    """Whether the job controller is done with a batch/v1 Job."""
    return bool(job["status"].get("conditions"))


def owner_of(body: Body) -> str:
    """Return the UID of the object that owns another."""
    return str(body["metadata"]["ownerReferences"][0]["uid"])


def _deleting(body: Body) -> bool:
    return "deletionTimestamp" in body["metadata"]


def over(pod: Body) -> bool:
    """Say whether a pod has ended for good."""
    return pod["status"]["phase"] in ("Succeeded", "Failed")


def _index(pod: Body) -> int:
    return int(pod["metadata"]["annotations"].get(COMPLETION_INDEX, 0))


def _ignored(pod: Body) -> bool:
    """Whether the job's podFailurePolicy does not count its failure."""
    status = pod["status"]
    states = [told["state"] for told in status.get("containerStatuses", ())]
    ended = states[0].get("terminated", {}) if states else {}
    disrupted = any(c["type"] == "DisruptionTarget" for c in status.get("conditions", ()))
    return disrupted or ended.get("exitCode") == PEER_LOST


def _true(kind: str, reason: str) -> Body:
    return _condition(kind, "True", reason)


def _condition(kind: str, status: str, reason: str) -> Body:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "lastTransitionTime": stamp(clock()),
    }
