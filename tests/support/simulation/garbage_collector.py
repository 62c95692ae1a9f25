"""The garbage collector: takes away what nobody owns any more, and what its owner waits for."""

from collections.abc import Iterator, Mapping
from functools import partial

from alidade_operator.kube.gateway import BATCH_JOBS, JOBS, PODS, SERVICES, Body, Kind
from tests.support.simulation.api_server import FOREGROUND, KINDS, ApiServer
from tests.support.simulation.chance import Move
from tests.support.simulation.pods import deleting
from tests.support.simulation.rules.objects import with_finalizers

_OWNED = (JOBS, BATCH_JOBS, SERVICES, PODS)


class GarbageCollector:
    """Acts on the objects of all namespaces.

    Args:
        server: The API server.
    """

    def __init__(self, server: ApiServer) -> None:
        self._server = server

    def moves(self) -> Iterator[Move]:
        """Yield what it may do next."""
        there = {body["metadata"]["uid"]: body for kind in KINDS for body in self._server.all(kind)}
        for kind in _OWNED:
            for body in self._server.all(kind):
                if _waits(body):
                    yield from self._end_waiting(kind, body)
                elif not deleting(body):
                    yield from self._collect(kind, body, there)

    def _collect(self, kind: Kind, body: Body, there: Mapping[str, Body]) -> Iterator[Move]:
        owners = body["metadata"].get("ownerReferences") or ()
        known = [there.get(owner["uid"]) for owner in owners]
        solid = [owner for owner in known if owner is not None and not _waits(owner)]
        if solid and len(solid) < len(owners):
            yield partial(self._disown, kind, body, {owner["metadata"]["uid"] for owner in solid})
        elif owners and not solid:
            waited_for = any(owner is not None for owner in known)
            yield partial(self._delete, kind, body, waited_for and bool(self._dependents(body)))

    def _delete(self, kind: Kind, body: Body, foreground: bool) -> None:
        meta = body["metadata"]
        self._server.delete(kind, meta["name"], meta["namespace"], foreground=foreground)

    def _disown(self, kind: Kind, body: Body, kept: set[str]) -> None:
        meta = body["metadata"]
        owners = [owner for owner in meta["ownerReferences"] if owner["uid"] in kept]
        self._replace(kind, {**meta, "ownerReferences": owners})

    def _end_waiting(self, kind: Kind, body: Body) -> Iterator[Move]:
        if not any(owner.get("blockOwnerDeletion") for owner in self._dependents(body)):
            meta = body["metadata"]
            kept = [finalizer for finalizer in meta["finalizers"] if finalizer != FOREGROUND]
            yield partial(self._replace, kind, with_finalizers(meta, kept))

    def _replace(self, kind: Kind, metadata: Body) -> None:
        self._server.update(kind, metadata["name"], metadata["namespace"], metadata=metadata)

    def _dependents(self, body: Body) -> list[Body]:
        """Return the references by which others name an object as their owner."""
        return [
            owner
            for kind in _OWNED
            for other in self._server.all(kind)
            for owner in other["metadata"].get("ownerReferences") or ()
            if owner["uid"] == body["metadata"]["uid"]
        ]


def _waits(body: Body) -> bool:
    """Whether an object that is deleted stays until what it owns is gone."""
    return deleting(body) and FOREGROUND in body["metadata"].get("finalizers", ())
