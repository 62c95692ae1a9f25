"""Doing what a sequence says in one world, and taking down what is there after each rest."""

from collections.abc import Iterable
from typing import Any

from alidade_operator.decide.make.service import service_for
from alidade_operator.kube.gateway import BATCH_JOBS, JOBS, PODS, SERVICES, ApiError, Body
from alidade_operator.objects.well_known import PARAMETERS, RUN_ID, TEMPLATE_HASH
from tests.conform.controllers.acts import Act
from tests.conform.controllers.sides import Side, Thing
from tests.conform.controllers.sight import Seen, Sight
from tests.conform.play import refused
from tests.support.builders import IMAGE, job, wanted
from tests.support.simulation.pods import deleting, over

NODE = "node-1"
LONG_AGO = "2020-03-01T12:00:00Z"
"""When pods have ended: so long ago that the job controller does not wait to replace them."""


class Player:
    """Plays one sequence on one side.

    Args:
        side: The side.
        tag: What makes its names its own.
        namespace: Where.
    """

    def __init__(self, side: Side, tag: str, namespace: str) -> None:
        self._side = side
        self._tag = tag
        self._where = namespace
        self._sight = Sight()

    async def play(self, acts: Iterable[Act]) -> list[str]:
        """Do some things; return the refusals."""
        return [await self._play(act) for act in acts]

    def look(self, things: Iterable[Thing]) -> Seen:
        """Return what is seen of all that there is."""
        own = [(k, b) for k, b in things if self._tag in b["metadata"]["name"]]
        return self._sight.look(own)

    async def _play(self, act: Act) -> str:
        try:
            await getattr(self, f"_{act.what}")(act.job.within(self._tag), **act.given)
        except ApiError as error:
            return f"{act.what}: {refused(error)}"
        return ""

    async def _own(self, name: str) -> None:
        body = {
            "apiVersion": f"{JOBS.group}/{JOBS.version}",
            "kind": "Job",
            "metadata": {"name": name},
            "spec": {"experiment": "mnist"},
        }
        self._sight.meet(JOBS, await self._side.put(JOBS, self._where, body))

    async def _serve(self, name: str) -> None:
        body = service_for(self._job(name, "now", replicas=2))
        assert body is not None
        await self._side.put(SERVICES, self._where, body)

    async def _back(
        self,
        name: str,
        *,
        replicas: int,
        limit: int,
        policy: Body | None,
        suspend: bool,
        whose: str,
    ) -> None:
        spec = {"replicas": replicas, "backoffLimit": limit}
        given = spec | ({"podFailurePolicy": policy} if policy else {})
        of = self._job(name, whose, **given)
        body: Body = wanted(of).manifest
        body["spec"]["suspend"] = suspend
        # It is made of UIDs too.
        body["metadata"]["annotations"][TEMPLATE_HASH] = "same"
        await self._side.put(BATCH_JOBS, self._where, body)

    async def _release(self, name: str) -> None:
        told = {PARAMETERS: "{}", RUN_ID: "run-1"}
        template = {"metadata": {"annotations": told}}
        patch: Body = {"spec": {"suspend": False, "template": template}}
        try:
            await self._side.edit(BATCH_JOBS, self._where, name, patch)
        except ApiError:
            # Once it has run its template stays as it is.
            del patch["spec"]["template"]
            await self._side.edit(BATCH_JOBS, self._where, name, patch)

    async def _suspend(self, name: str) -> None:
        await self._side.edit(BATCH_JOBS, self._where, name, {"spec": {"suspend": True}})

    async def _edit(self, name: str, *, metadata: Body) -> None:
        await self._side.edit(BATCH_JOBS, self._where, name, {"metadata": metadata})

    async def _delete(self, name: str, *, foreground: bool) -> None:
        await self._side.take(BATCH_JOBS, self._where, name, foreground=foreground)

    async def _delete_owner(self, name: str, *, foreground: bool) -> None:
        await self._side.take(JOBS, self._where, name, foreground=foreground)

    async def _delete_service(self, name: str) -> None:
        await self._side.take(SERVICES, self._where, name, foreground=False)

    async def _stop_pod(self, name: str, *, which: int) -> None:
        if pod := self._pod(name, which):
            await self._side.take(PODS, self._where, pod["metadata"]["name"], foreground=False)

    async def _edit_pod(self, name: str, *, which: int, metadata: Body) -> None:
        if pod := self._pod(name, which):
            own = pod["metadata"]["name"]
            await self._side.edit(PODS, self._where, own, {"metadata": metadata})

    async def _lead(
        self, name: str, *, which: int, exit_code: int, disrupted: bool, rejected: bool
    ) -> None:
        """Lead a pod on by a step, as scheduler and kubelet do."""
        pod = self._pod(name, which)
        if pod is None:
            return
        own = pod["metadata"]["name"]
        if over(pod):
            if deleting(pod):
                await self._side.take(PODS, self._where, own, foreground=False, grace=0)
        elif deleting(pod) and pod["status"]["phase"] != "Running":
            await self._tell(own, _rejected())
        elif "nodeName" not in pod["spec"]:
            await self._side.bind(self._where, own, NODE)
            if not rejected:
                await self._tell(own, _running())
        elif pod["status"]["phase"] == "Running":
            await self._tell(own, _ended(exit_code, disrupted=disrupted))
        elif rejected:
            await self._tell(own, _rejected())
        else:
            await self._tell(own, _running())

    async def _tell(self, pod: str, status: Body) -> None:
        await self._side.edit(PODS, self._where, pod, {"status": status}, status=True)

    def _pod(self, name: str, which: int) -> Body | None:
        pods = self._sight.pods(name)
        return pods[which % len(pods)] if pods else None

    def _job(self, name: str, whose: str, **spec: Any) -> Any:
        uid = self._sight.uid(JOBS, name, whose)
        return job(name, meta={"uid": uid, "namespace": self._where}, **spec)


def _running() -> Body:
    return {"phase": "Running", **_container("True", running={"startedAt": LONG_AGO})}


def _ended(exit_code: int, *, disrupted: bool) -> Body:
    times = {"startedAt": LONG_AGO, "finishedAt": LONG_AGO}
    status = _container("False", terminated={**times, "exitCode": exit_code, "reason": "Error"})
    if disrupted:
        status["conditions"] += [{"type": "DisruptionTarget", "status": "True"}]
    return {"phase": "Failed" if exit_code else "Succeeded", **status}


def _rejected() -> Body:
    return {"phase": "Failed", "reason": "OutOfcpu", "conditions": _ready("False")}


def _container(is_ready: str, **state: Body) -> Body:
    told = {
        "name": "worker",
        "image": IMAGE,
        "imageID": "",
        "ready": is_ready == "True",
        "restartCount": 0,
        "state": state,
    }
    return {"conditions": _ready(is_ready), "containerStatuses": [told]}


def _ready(status: str) -> list[Body]:
    return [{"type": "Ready", "status": status, "lastTransitionTime": LONG_AGO}]
