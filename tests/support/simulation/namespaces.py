"""The namespace controller: empties the namespaces that are being deleted, and takes them away."""

from collections.abc import Iterator
from functools import partial

from alidade_operator.kube.gateway import NAMESPACES, Body, Kind
from tests.support.simulation.api_server import NAMESPACED, ApiServer
from tests.support.simulation.chance import Move
from tests.support.simulation.pods import deleting


class NamespaceController:
    """Acts on all namespaces.

    Args:
        server: The API server.
    """

    def __init__(self, server: ApiServer) -> None:
        self._server = server

    def moves(self) -> Iterator[Move]:
        """Yield what it may do next: objects of all kinds are deleted in no order."""
        for name in (n["metadata"]["name"] for n in filter(deleting, self._server.all(NAMESPACES))):
            left = [(kind, body) for kind in NAMESPACED for body in self._server.all(kind, name)]
            yield from (partial(self._delete, *thing) for thing in left if not deleting(thing[1]))
            if not left:
                yield partial(self._server.remove, NAMESPACES, name, name)

    def _delete(self, kind: Kind, body: Body) -> None:
        meta = body["metadata"]
        self._server.delete(kind, meta["name"], meta["namespace"])
