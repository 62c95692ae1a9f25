"""Writing the status of a resource: all of it, by server-side apply."""

from alidade.api.base import GROUP, VERSION, Model, Resource
from alidade.kube.gateway import Body, Gateway, Kind


async def write_status(gateway: Gateway, kind: Kind, resource: Resource, status: Model) -> Body:
    """Make the status of this very object the one given; return the object.

    Raises:
        ConflictError: The object was deleted, and created again by the same name.
        ApiError: Any other refusal.
    """
    metadata = resource.metadata
    body = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": resource.definition.kind,
        "metadata": {
            "name": metadata.name,
            "namespace": metadata.namespace,
            "uid": metadata.uid,
        },
        "status": status.dump(),
    }
    return await gateway.apply_status(kind, metadata.namespace, metadata.name, body)
