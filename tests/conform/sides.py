"""The two that are asked: the simulated API server, and a real one."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from kubernetes.aio import client

from alidade_operator.kube.client import KubernetesGateway
from alidade_operator.kube.gateway import (
    ApiError,
    Body,
    ConflictError,
    ForbiddenError,
    Gateway,
    InvalidError,
    Kind,
    NotFoundError,
)
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance
from tests.support.simulation.gateway import UnreliableGateway

MERGE = "application/merge-patch+json"
_ERRORS = {
    400: InvalidError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    422: InvalidError,
}
_BAD = 400
PAGE = 7
"""Few, so that lists have several pages."""


class Others(Protocol):
    """What users and Kubernetes' own controllers do; every method raises ApiError."""

    async def put(self, kind: Kind, namespace: str, body: Body) -> Body:
        """Create an object."""
        ...

    async def edit(
        self, kind: Kind, namespace: str, name: str, patch: Body, *, status: bool = False
    ) -> Body:
        """Merge a patch into an object, or into its status."""
        ...

    async def take(
        self, kind: Kind, namespace: str, name: str, *, foreground: bool, grace: int | None = None
    ) -> Body | None:
        """Delete an object, a pod within some seconds; return it where it stays for a while."""
        ...


class Side(Protocol):
    """One of the two."""

    @property
    def gateway(self) -> Gateway:
        """What the operator has of it."""
        ...

    @property
    def others(self) -> Others:
        """What the others have of it."""
        ...


class Calm(Chance):
    """Everything takes no time, and goes well."""

    def __init__(self) -> None:
        super().__init__(0, 0.0)

    def mishap(self, share: float = 1.0) -> bool:
        return False

    async def pause(self) -> None:
        """Take no time."""


class SimulatedOthers:
    """The others at a simulated API server."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server

    async def put(self, kind: Kind, namespace: str, body: Body) -> Body:
        return self._server.create(kind, body, namespace)

    async def edit(
        self, kind: Kind, namespace: str, name: str, patch: Body, *, status: bool = False
    ) -> Body:
        return self._server.patch(kind, name, patch, namespace, status=status)

    async def take(
        self, kind: Kind, namespace: str, name: str, *, foreground: bool, grace: int | None = None
    ) -> Body | None:
        return self._server.delete(kind, name, namespace, foreground=foreground, grace=grace)


class Simulated:
    """A simulated API server.

    Args:
        server: It.
    """

    def __init__(self, server: ApiServer) -> None:
        self.gateway: Gateway = UnreliableGateway(server, Calm(), lambda: None)
        self.others: Others = SimulatedOthers(server)


class RealOthers:
    """The others at a real API server, as an administrator."""

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api

    async def put(self, kind: Kind, namespace: str, body: Body) -> Body:
        return await self.ask("POST", _path(kind, namespace), body)

    async def edit(
        self, kind: Kind, namespace: str, name: str, patch: Body, *, status: bool = False
    ) -> Body:
        path = f"{_path(kind, namespace)}/{name}{'/status' if status else ''}"
        return await self.ask("PATCH", path, patch, MERGE)

    async def take(
        self, kind: Kind, namespace: str, name: str, *, foreground: bool, grace: int | None = None
    ) -> Body | None:
        options: Body = {"propagationPolicy": "Foreground" if foreground else "Background"}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        answer = await self.ask("DELETE", f"{_path(kind, namespace)}/{name}", options)
        return None if answer["kind"] == "Status" else answer

    async def list_all(self, kind: Kind, namespace: str) -> list[Body]:
        """Return all objects of a kind."""
        found: list[Body] = (await self.ask("GET", _path(kind, namespace), None))["items"]
        return found

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        content: str = "application/json",
    ) -> Body:
        """Send a request; return what is answered."""
        request = await self._api.param_serialize(
            method,
            path,
            header_params={"Accept": "application/json", "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = await self._api.call_api(*request)
        text = await answer.read()
        if answer.status >= _BAD:
            raise _ERRORS.get(answer.status, ApiError)(
                text.decode(), json.loads(text), code=answer.status
            )
        told: Body = json.loads(text)
        return told


class Real:
    """A real API server.

    Args:
        api: An administrator's connection.
    """

    def __init__(self, api: client.ApiClient) -> None:
        self.gateway: Gateway = KubernetesGateway(api, page=PAGE)
        self.others: Others = RealOthers(api)


def _path(kind: Kind, namespace: str) -> str:
    root = f"/apis/{kind.group}" if kind.group else "/api"
    return f"{root}/{kind.version}/namespaces/{namespace}/{kind.plural}"
