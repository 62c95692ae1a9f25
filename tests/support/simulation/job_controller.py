"""The job controller: makes and deletes the pods of batch/v1 Jobs, and counts how they end."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial

from alidade_operator.kube.gateway import BATCH_JOBS, PODS, Body
from alidade_operator.objects.well_known import COMPLETION_INDEX
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Move
from tests.support.simulation.job_steps import Delete, LetGo, Make, Step, Tell, next_steps
from tests.support.simulation.pods import TRACKING, controller_of, tracked
from tests.support.simulation.rules.objects import with_finalizers

_NUMBER = "JOB_COMPLETION_INDEX"


def _made(_job: Body, _pod: Body) -> None:
    """Nobody looks on."""


def _allowed(_job: Body) -> bool:
    return True


class JobController:
    """Acts on the batch/v1 Jobs of all namespaces.

    Args:
        server: The API server.
        made: Called with a job and a pod that was made for it.
        allowed: Says whether a pod may be made for a job, which a quota may not allow.
    """

    def __init__(
        self,
        server: ApiServer,
        made: Callable[[Body, Body], None] = _made,
        allowed: Callable[[Body], bool] = _allowed,
    ) -> None:
        self._server = server
        self._made = made
        self._allowed = allowed
        self._pods_made = 0

    def moves(self) -> Iterator[Move]:
        """Yield what it may do next."""
        pods: defaultdict[str | None, list[Body]] = defaultdict(list)
        for pod in self._server.all(PODS):
            pods[controller_of(pod)].append(pod)
        jobs = {job["metadata"]["uid"]: job for job in self._server.all(BATCH_JOBS)}
        for uid, job in jobs.items():
            for step in next_steps(job, pods[uid]):
                yield partial(self._take, job, step)
        for owner, left in pods.items():
            if owner not in jobs:
                # What has no job any more is not counted.
                yield from (partial(self._let_go, pod) for pod in left if tracked(pod))

    def _take(self, job: Body, step: Step) -> None:
        match step:
            case Make(index):
                if self._allowed(job):
                    self._make(job, index)
            case Delete(pod, counted):
                if not counted:
                    self._let_go(pod)
                self._server.delete(PODS, pod["metadata"]["name"], pod["metadata"]["namespace"])
            case LetGo(pod):
                self._let_go(pod)
            case Tell(status):
                meta = job["metadata"]
                self._server.update(BATCH_JOBS, meta["name"], meta["namespace"], status=status)

    def _let_go(self, pod: Body) -> None:
        meta = pod["metadata"]
        kept = [finalizer for finalizer in meta.get("finalizers", ()) if finalizer != TRACKING]
        self._server.update(
            PODS, meta["name"], meta["namespace"], metadata=with_finalizers(meta, kept)
        )

    def _make(self, job: Body, index: int | None) -> None:
        self._pods_made += 1
        template, meta = job["spec"]["template"], job["metadata"]
        spec = template["spec"]
        given = template.get("metadata", {})
        labels, annotations = given.get("labels", {}), given.get("annotations", {})
        name = meta["name"]
        if index is not None:
            annotations = {**annotations, COMPLETION_INDEX: str(index)}
            labels = {**labels, COMPLETION_INDEX: str(index)}
            name = f"{name}-{index}"
            spec = _numbered(spec, name)
        own = {
            "generateName": f"{name}-",
            "name": f"{name}-{self._pods_made:05}",
            "labels": labels,
            "annotations": annotations,
            "finalizers": [TRACKING],
            "ownerReferences": [
                {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "name": meta["name"],
                    "uid": meta["uid"],
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        }
        body = {"metadata": own, "spec": spec}
        self._made(job, self._server.create(PODS, body, meta["namespace"]))


def _numbered(spec: Body, name: str) -> Body:
    """Return what is asked of a pod that is one of several, and knows which."""
    source = {"fieldRef": {"fieldPath": f"metadata.labels['{COMPLETION_INDEX}']"}}
    number = {"name": _NUMBER, "valueFrom": source}
    containers = [
        own
        if any(variable["name"] == _NUMBER for variable in own.get("env", ()))
        else {**own, "env": [*own.get("env", ()), number]}
        for own in spec["containers"]
    ]
    return {**spec, "containers": containers, "hostname": name}
