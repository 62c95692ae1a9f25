"""A port of localhost that leads to one of a pod, as `kubectl port-forward` does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from kr8s.asyncio.objects import Pod
from kr8s.asyncio.portforward import PortForward

from alidade.errors import UnreachableError

if TYPE_CHECKING:
    from alidade.k8s.connection import Kube


@asynccontextmanager
async def forwarded(
    kube: "Kube", namespace: str, pod: str, remote: int, local: int | None = None
) -> AsyncIterator[int]:
    """Forward a port as long as the context is open; its number on localhost is given.

    Args:
        kube: The API server.
        namespace: Where the pod is.
        pod: Its name.
        remote: Its port.
        local: The port of localhost; None: any that is free.

    Raises:
        UnreachableError: The port of localhost is taken.
    """
    metadata = {"name": pod, "namespace": namespace}
    target = Pod({"metadata": metadata}, api=await kube.api())
    try:
        async with PortForward(target, remote, local_port=local or "auto") as port:
            yield port
    except OSError as error:
        raise UnreachableError(f"port {local} of localhost cannot be used: {error}") from error
