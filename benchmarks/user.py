"""Who submits jobs in a benchmark, Alidade's and bare ones alike, and waits for their end."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kubernetes.aio import client, config, watch
from kubernetes.aio.client.exceptions import ApiException

from alidade_operator.kube.client import KubernetesGateway
from alidade_operator.kube.gateway import BATCH_JOBS, Body, Kind

AT_A_TIME = 16
"""Requests; as many as the operator's workers have under way."""
ENDS = frozenset({"Finished", "Failed", "Skipped", "Cancelled"})


class User:
    """A client of an API server.

    Args:
        api: Its connections.

    Attributes:
        gateway: What it asks by.
    """

    def __init__(self, api: client.ApiClient) -> None:
        self.gateway = KubernetesGateway(api)
        self._objects = client.CustomObjectsApi(api)
        self._namespaces = client.CoreV1Api(api)

    async def create_namespace(self, name: str) -> None:
        """Create a namespace."""
        metadata = client.V1ObjectMeta(name=name)
        await self._namespaces.create_namespace(client.V1Namespace(metadata=metadata))

    async def create(self, kind: Kind, namespace: str, bodies: Iterable[Body]) -> None:
        """Create objects, `AT_A_TIME` at a time and in this order."""
        await self.each(bodies, lambda body: self.gateway.create(kind, namespace, body))

    async def unsuspend(self, namespace: str, names: Iterable[str]) -> None:
        """Let batch/v1 Jobs run."""
        patch = {"spec": {"suspend": False}}
        await self.each(names, lambda n: self.gateway.patch(BATCH_JOBS, namespace, n, patch))

    async def each(self, things: Iterable[Any], do: Callable[[Any], Any]) -> None:
        """Do something with each, `AT_A_TIME` at a time."""
        left = iter(things)

        async def some() -> None:
            for thing in left:
                await do(thing)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_A_TIME):
                tasks.create_task(some())

    async def until(
        self, kind: Kind, namespace: str, count: int, holds: Callable[[Body], bool]
    ) -> float:
        """Wait until something has held of so many objects; return when that was, as monotonic."""
        seen: set[str] = set()
        async for body in self.versions(kind, namespace):
            if holds(body):
                seen.add(body["metadata"]["name"])
            if len(seen) >= count:
                break
        return time.monotonic()

    async def all_of(self, kind: Kind, namespace: str) -> list[Body]:
        """Read all objects of a kind in a namespace."""
        return [body async for body in self.gateway.list_all(kind, namespace)]

    async def versions(self, kind: Kind, namespace: str) -> AsyncIterator[Body]:
        """Yield the objects of a kind, and each version of them from then on."""
        while True:
            # Without a version it begins with all that there is; an API server whose cache lags
            # behind may refuse that for a moment.
            with contextlib.suppress(ApiException):
                async for event in watch.Watch().stream(
                    self._objects.list_namespaced_custom_object,
                    kind.group, kind.version, namespace, kind.plural,
                ):  # fmt: skip
                    yield event["object"]


def has_ended(job: Body) -> bool:
    """Say whether a job of Alidade's has ended."""
    return job.get("status", {}).get("state") in ENDS


def has_started(job: Body) -> bool:
    """Say whether a pod of a job of Alidade's runs."""
    return bool(job.get("status", {}).get("state") == "Started")


def is_complete(job: Body) -> bool:
    """Say whether a batch/v1 Job has ended."""
    conditions: Sequence[Body] = job.get("status", {}).get("conditions", ())
    return any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)


@asynccontextmanager
async def connected(kubeconfig: Path) -> AsyncIterator[User]:
    """Connect by a kubeconfig."""
    api = await config.new_client_from_config(str(kubeconfig))
    async with api:
        yield User(api)
