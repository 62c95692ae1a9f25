"""Telling in the status of objects that they cannot be read."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

import structlog

from alidade_operator.decide.unreadable import status_patch
from alidade_operator.kube.gateway import (
    ApiError,
    Body,
    ConflictError,
    Gateway,
    Kind,
    UnavailableError,
)
from alidade_operator.work.workqueue import WorkQueue

WRITERS = 4

log = structlog.get_logger(__name__)


class _Object(NamedTuple):
    kind: Kind
    namespace: str
    name: str


class UnreadableStatuses:
    """Writes such statuses in the background, each onto the very version that cannot be read.

    Args:
        gateway: The Kubernetes API.
        clock: The time.
    """

    def __init__(self, gateway: Gateway, clock: Callable[[], datetime]) -> None:
        self._gateway = gateway
        self._clock = clock
        self._wanted: dict[_Object, tuple[Body, str]] = {}
        self._queue: WorkQueue[_Object] = WorkQueue(whose=lambda of: of.namespace)

    def tell(self, kind: Kind, namespace: str, name: str, body: Any, why: str) -> None:
        """Have it told, unless it is, or cannot be."""
        if isinstance(body, dict):
            of = _Object(kind, namespace, name)
            self._wanted[of] = (body, why)
            self._queue.add(of)

    async def run(self) -> None:
        """Write until cancelled."""
        await self._queue.serve(self._write, WRITERS)

    async def _write(self, of: _Object) -> None:
        wanted = self._wanted.get(of)
        patch = status_patch(*wanted, self._clock()) if wanted else None
        try:
            if patch is not None:
                await self._gateway.patch_status(of.kind, of.namespace, of.name, patch)
        except ConflictError:
            # It has changed, and is looked at anew as the watch tells of that.
            pass
        except UnavailableError as error:
            self._queue.retry(of, error.retry_after)
            return
        except ApiError as error:
            log.warning("unreadable.not_told", kind=str(of.kind), name=of.name, error=str(error))
        if self._wanted.get(of) is wanted:
            self._wanted.pop(of, None)
        self._queue.forget(of)
