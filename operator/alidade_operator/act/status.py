"""Writing the status of a resource: what is different, and only onto what it was decided upon."""

from typing import Any

from alidade_core.api.base import Model, Resource
from alidade_operator.decide.make.merge import difference
from alidade_operator.kube.gateway import Body, Gateway, Kind


async def write_status(
    gateway: Gateway, kind: Kind, resource: Resource, old: Model, new: Model
) -> Body:
    """Make the status of this very version of the object the new one; return the object.

    Args:
        gateway: The Kubernetes API.
        kind: The kind of the object.
        resource: The object as it was read.
        old: Its status.
        new: What that is to be.

    Raises:
        ConflictError: The object has changed since, or was deleted and created again by the same
            name: what is to be has to be decided anew.
        ApiError: Any other refusal.
    """
    metadata = resource.metadata
    patch: dict[str, Any] = {
        "metadata": {"uid": metadata.uid, "resourceVersion": metadata.resource_version},
        "status": difference(old.dump(), new.dump()),
    }
    return await gateway.patch_status(kind, metadata.namespace, metadata.name, patch)
