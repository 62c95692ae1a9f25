"""The two worlds that are compared: what is asked of them, and what is in them."""

from collections.abc import Sequence
from typing import Protocol

from alidade_operator.kube.gateway import BATCH_JOBS, JOBS, PODS, SERVICES, Body, Kind
from tests.conform.sides import Others, RealOthers, SimulatedOthers
from tests.support.builders import stamp
from tests.support.simulation.pods import bound

SEEN = (JOBS, BATCH_JOBS, SERVICES, PODS)
Thing = tuple[Kind, Body]


class Side(Others, Protocol):
    """One of the two; every method raises ApiError."""

    async def bind(self, namespace: str, pod: str, node: str) -> None:
        """Give a pod a node, as the scheduler does."""
        ...

    async def everything(self, namespace: str) -> Sequence[Thing]:
        """Return all objects of a namespace."""
        ...


class SimulatedSide(SimulatedOthers):
    """A simulated API server."""

    async def bind(self, namespace: str, pod: str, node: str) -> None:
        parts = bound(self._server.read(PODS, pod, namespace), node, stamp(self._server.time()))
        self._server.update(PODS, pod, namespace, **parts)

    async def everything(self, namespace: str) -> Sequence[Thing]:
        return [
            (kind, body)
            for kind in SEEN
            for body in self._server.select(kind, namespace, None, None)
        ]


class RealSide(RealOthers):
    """A real API server."""

    async def bind(self, namespace: str, pod: str, node: str) -> None:
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod},
            "target": {"kind": "Node", "name": node},
        }
        await self.ask("POST", f"/api/v1/namespaces/{namespace}/pods/{pod}/binding", binding)

    async def everything(self, namespace: str) -> Sequence[Thing]:
        return [(kind, body) for kind in SEEN for body in await self.list_all(kind, namespace)]
