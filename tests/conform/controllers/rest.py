"""Waiting until the real controllers have nothing left to do.

They do not say so. But what they are told of they see to in turn, the job controller a second
after it was told of a pod: so a canary, that goes all the way through both of them, comes back
after all that was there before it. Once nothing has changed while one went through, they rest.
"""

import asyncio
from collections.abc import Callable
from uuid import uuid4

from alidade_operator.kube.gateway import BATCH_JOBS, JOBS, PODS, Body, Kind
from tests.conform.controllers.sides import SEEN, RealSide, Thing

_POLL_SECONDS = 0.1
_OVER = {"status": {"phase": "Succeeded"}}
Versions = dict[str, str]


class Rest:
    """Waits for it.

    Args:
        side: The real world.
        aviary: The namespace of the canaries, in which nothing else is.
    """

    def __init__(self, side: RealSide, aviary: str) -> None:
        self._side = side
        self._aviary = aviary

    async def wait(self, namespace: str) -> list[Thing]:
        """Return all that there is in a namespace once the controllers rest."""
        things = list(await self._side.everything(namespace))
        while True:
            await self._send_a_canary()
            before, things = things, list(await self._side.everything(namespace))
            if _versions(before) == _versions(things):
                return things

    async def _send_a_canary(self) -> None:
        name = f"canary-{uuid4().hex[:8]}"
        owner = await self._side.put(JOBS, self._aviary, _owner(name))
        await self._side.put(BATCH_JOBS, self._aviary, _job(name, owner["metadata"]["uid"]))
        (pod,) = await self._until(PODS, bool)
        own = pod["metadata"]["name"]
        await self._side.edit(PODS, self._aviary, own, _OVER, status=True)
        await self._until(BATCH_JOBS, _complete)
        await self._side.take(JOBS, self._aviary, name, foreground=False)
        for kind in SEEN:
            await self._until(kind, lambda found: not found)

    async def _until(self, kind: Kind, check: Callable[[list[Body]], bool]) -> list[Body]:
        """Return the objects of a kind among the canaries once they are as they are to be."""
        while True:
            found = await self._side.list_all(kind, self._aviary)
            if check(found):
                return found
            await asyncio.sleep(_POLL_SECONDS)


def _complete(jobs: list[Body]) -> bool:
    return all(job["status"].get("completionTime") for job in jobs)


def _versions(things: list[Thing]) -> Versions:
    return {b["metadata"]["uid"]: b["metadata"]["resourceVersion"] for _, b in things}


def _owner(name: str) -> Body:
    kind = {"apiVersion": f"{JOBS.group}/{JOBS.version}", "kind": "Job"}
    return {**kind, "metadata": {"name": name}, "spec": {"experiment": "canary"}}


def _job(name: str, owner: str) -> Body:
    reference = {
        "apiVersion": f"{JOBS.group}/{JOBS.version}",
        "kind": "Job",
        "name": name,
        "uid": owner,
    }
    container = {"name": "canary", "image": "canary"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "ownerReferences": [reference]},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    }
