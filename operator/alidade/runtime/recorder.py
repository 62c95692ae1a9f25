"""Events about jobs, for `kubectl describe` and `kubectl events`."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import structlog

from alidade.api.base import GROUP, VERSION
from alidade.api.job import Job
from alidade.domain.events import Note
from alidade.kube.gateway import ApiError, Gateway

# More than this and the API server has worse to do than to take events.
MAX_WAITING = 1000
# The API server counts bytes.
MAX_NOTE_BYTES = 1024

log = structlog.get_logger(__name__)


class Recorder:
    """Records events in the background; one that cannot be recorded is let go.

    Args:
        gateway: The Kubernetes API.
        identity: The name of this instance of the operator.
    """

    def __init__(self, gateway: Gateway, identity: str) -> None:
        self._gateway = gateway
        self._identity = identity
        self._waiting: asyncio.Queue[tuple[Job, Note, datetime]] = asyncio.Queue(MAX_WAITING)

    def record(self, job: Job, note: Note) -> None:
        """Record an event about a job."""
        try:
            self._waiting.put_nowait((job, note, datetime.now(UTC)))
        except asyncio.QueueFull:
            log.warning("event.dropped", job=job.metadata.name, reason=note.reason)

    async def run(self) -> None:
        """Send events until cancelled."""
        while True:
            job, note, time = await self._waiting.get()
            try:
                await self._gateway.record_event(
                    job.metadata.namespace, self._event(job, note, time)
                )
            except ApiError as error:
                log.warning("event.failed", job=job.metadata.name, error=str(error))

    def _event(self, job: Job, note: Note, time: datetime) -> dict[str, object]:
        metadata = job.metadata
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": f"{metadata.name}.{uuid4().hex[:16]}",
                "namespace": metadata.namespace,
            },
            "eventTime": time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "type": note.type,
            "reason": note.reason,
            "note": note.message.encode()[:MAX_NOTE_BYTES].decode(errors="ignore"),
            "action": "Reconcile",
            "reportingController": f"{GROUP}/operator",
            "reportingInstance": self._identity,
            "regarding": {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": "Job",
                "name": metadata.name,
                "namespace": metadata.namespace,
                "uid": metadata.uid,
            },
        }
