"""Looking at objects by name before what a watch or a list leaves out is taken for gone.

Watches and lists go by labels: what has lost its label looks as if it were deleted. A batch/v1 Job
gets back what was taken off it.
"""

from collections.abc import Callable
from typing import NamedTuple

import structlog

from alidade_core.api.job import Job
from alidade_operator.index.cache import Cache
from alidade_operator.index.graph import Key
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    ApiError,
    Body,
    ConflictError,
    ForbiddenError,
    Gateway,
    InvalidError,
    Kind,
    NotFoundError,
)
from alidade_operator.objects import ownership
from alidade_operator.work.workqueue import WorkQueue

WORKERS = 4

log = structlog.get_logger(__name__)


class _Doubt(NamedTuple):
    kind: Kind
    key: Key
    uid: str


class SecondLook:
    """Looks at what is in doubt, until the API server answers.

    Args:
        gateway: The Kubernetes API.
        cache: What is known.
        gone: Called with kind, key and UID of what is gone indeed.
        seen: Called with kind and object of what is there.
        tell: Called with a job of which something is not given back, and why.
    """

    def __init__(
        self,
        gateway: Gateway,
        cache: Cache,
        gone: Callable[[Kind, Key, str], None],
        seen: Callable[[Kind, Body], None],
        tell: Callable[[Job, ApiError], None],
    ) -> None:
        self._gateway = gateway
        self._cache = cache
        self._gone = gone
        self._seen = seen
        self._tell = tell
        self._queue: WorkQueue[_Doubt] = WorkQueue(whose=lambda doubt: doubt.key[0])

    def ask(self, kind: Kind, key: Key, uid: str) -> None:
        """Ask for a look at an object."""
        self._queue.add(_Doubt(kind, key, uid))

    async def run(self) -> None:
        """Look until cancelled."""
        await self._queue.serve(self._look, WORKERS)

    async def _look(self, doubt: _Doubt) -> None:
        kind, key, uid = doubt
        try:
            body = await self._gateway.get(kind, *key)
            if body["metadata"]["uid"] == uid:
                self._seen(kind, body)
                await self._mend(kind, key, body)
            else:
                self._gone(kind, key, uid)
        except NotFoundError:
            self._gone(kind, key, uid)
        except ConflictError:
            self._queue.retry(doubt)
            return
        except ApiError as error:
            delay = self._queue.retry(doubt, error.retry_after)
            log.warning("look.failed", kind=str(kind), name=key[1], error=str(error), delay=delay)
            return
        self._queue.forget(doubt)

    async def _mend(self, kind: Kind, key: Key, body: Body) -> None:
        job = self._cache.owner(kind, key)
        patch = ownership.mend(body, job) if kind == BATCH_JOBS and job else None
        if patch and job:
            log.info("batch_job.mended", namespace=key[0], name=key[1], patch=patch["metadata"])
            try:
                self._seen(kind, await self._gateway.patch(kind, *key, patch))
            except (ForbiddenError, InvalidError) as error:
                self._tell(job, error)
                raise
