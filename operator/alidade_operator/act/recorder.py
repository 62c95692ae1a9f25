"""Events about objects, for `kubectl describe` and `kubectl events`."""

from collections import OrderedDict
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar
from uuid import uuid4

import structlog

from alidade_core.api.base import GROUP, VERSION, Resource
from alidade_core.words import clip
from alidade_operator.decide.events import Note
from alidade_operator.kube.gateway import ApiError, Body, ConflictError, Gateway, UnavailableError
from alidade_operator.ops.metrics import EVENTS
from alidade_operator.work.workqueue import WorkQueue

SENDERS = 8
# Objects of which something is to be told. Each has a few events at most.
MAX_WAITING = 20_000
MAX_WARNINGS = 10
LAST_RETRY_SECONDS = 30.0
# The API server counts bytes.
MAX_NOTE_BYTES = 1024
MAX_NAME = 200

V = TypeVar("V")

log = structlog.get_logger(__name__)


class Subject(NamedTuple):
    """What an event is about: an object of the group alidade.dev."""

    kind: str
    namespace: str
    name: str
    uid: str


class _Event(NamedTuple):
    subject: Subject
    note: Note
    body: Body


class Recorder:
    """Records events in the background, and never keeps anybody waiting.

    What happens faster than it can be sent is told by the last good news of each object, as those
    before have been overtaken, and by all bad news of it. What is the same as was told last of an
    object is not told again. Nothing is lost while the API server is away, or busy.

    Args:
        gateway: The Kubernetes API.
        identity: The name of this instance of the operator.
    """

    def __init__(self, gateway: Gateway, identity: str) -> None:
        self._gateway = gateway
        self._identity = identity
        self._waiting: OrderedDict[str, list[_Event]] = OrderedDict()
        self._told: OrderedDict[str, Note] = OrderedDict()
        self._queue: WorkQueue[str] = WorkQueue(last_retry=LAST_RETRY_SECONDS, whose=self._where)

    def record(self, resource: Resource, note: Note) -> None:
        """Record an event about a resource."""
        metadata = resource.metadata
        kind = resource.definition.kind
        self.tell(Subject(kind, metadata.namespace, metadata.name, metadata.uid), note)

    def tell(self, subject: Subject, note: Note) -> None:
        """Record an event about an object, be it one that cannot be read."""
        if self._told.get(subject.uid) == note:
            return
        _keep(self._told, subject.uid, note)
        waiting = self._waiting.get(subject.uid, [])
        # What is overtaken before it was told is not worth telling.
        kept = [event for event in waiting if event.note.type == "Warning"][-MAX_WARNINGS:]
        EVENTS.labels("overtaken").inc(len(waiting) - len(kept))
        _keep(self._waiting, subject.uid, [*kept, self._event(subject, note)])
        self._queue.add(subject.uid)

    async def run(self) -> None:
        """Send events until cancelled."""
        await self._queue.serve(self._send, SENDERS)

    def _where(self, uid: str) -> str:
        waiting = self._waiting.get(uid)
        return waiting[0].subject.namespace if waiting else ""

    async def _send(self, uid: str) -> None:
        """Send what is to be told of an object, in its order."""
        while waiting := self._waiting.get(uid):
            event = waiting[0]
            try:
                await self._gateway.record_event(event.subject.namespace, event.body)
                EVENTS.labels("sent").inc()
            except UnavailableError as error:
                self._queue.retry(uid, error.retry_after)
                return
            except ConflictError:
                # It is there: the answer to an earlier try was lost.
                EVENTS.labels("sent").inc()
            except ApiError as error:
                EVENTS.labels("refused").inc()
                log.warning("event.refused", name=event.subject.name, error=str(error))
            if uid in self._waiting:
                self._waiting[uid] = [other for other in self._waiting[uid] if other is not event]
        self._waiting.pop(uid, None)
        self._queue.forget(uid)

    def _event(self, subject: Subject, note: Note) -> _Event:
        time = datetime.now(UTC).isoformat(timespec="microseconds")
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": f"{subject.name[:MAX_NAME].rstrip('-.')}.{uuid4().hex[:16]}",
                "namespace": subject.namespace,
            },
            "eventTime": time.replace("+00:00", "Z"),
            "type": note.type,
            "reason": note.reason,
            "note": clip(note.message, MAX_NOTE_BYTES),
            "action": "Reconcile",
            "reportingController": f"{GROUP}/operator",
            "reportingInstance": self._identity,
            "regarding": {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": subject.kind,
                "name": subject.name,
                "namespace": subject.namespace,
                "uid": subject.uid,
            },
        }
        return _Event(subject, note, body)


def _keep(kept: "OrderedDict[str, V]", uid: str, value: V) -> None:
    """Keep a value for an object, and those of so many others, the last ones."""
    kept[uid] = value
    kept.move_to_end(uid)
    if len(kept) > MAX_WAITING:
        kept.popitem(last=False)
