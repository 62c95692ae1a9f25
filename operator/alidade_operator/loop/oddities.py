"""Objects that cannot be read: left out, counted, and told to whoever can change them."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import structlog
from pydantic import ValidationError

from alidade_core.api.job import Job
from alidade_core.api.reason import Reason
from alidade_core.words import shorten
from alidade_operator.act.recorder import Recorder, Subject
from alidade_operator.act.unreadable_statuses import UnreadableStatuses
from alidade_operator.decide.events import Note
from alidade_operator.index.cache import Cache
from alidade_operator.index.graph import Key
from alidade_operator.kube.gateway import BATCH_JOBS, EXPERIMENTS, JOBS, PODS, QUEUES, Kind
from alidade_operator.objects.reading import UnreadableError
from alidade_operator.ops.metrics import UNREADABLE

REMEMBERED = 10_000
_OURS: Final[dict[Kind, str]] = {EXPERIMENTS: "Experiment", QUEUES: "Queue", JOBS: "Job"}
_OTHERS: Final[dict[Kind, str]] = {BATCH_JOBS: "batch/v1 Job", PODS: "pod"}

log = structlog.get_logger(__name__)


class Oddities:
    """Takes note of each version of an object that cannot be read, once.

    Args:
        cache: What is known of the cluster.
        recorder: Where events go.
        statuses: Where it is left to be told in statuses.
    """

    def __init__(self, cache: Cache, recorder: Recorder, statuses: UnreadableStatuses) -> None:
        self._cache = cache
        self._recorder = recorder
        self._statuses = statuses
        self._noted: OrderedDict[tuple[Kind, str], str] = OrderedDict()

    def note(self, kind: Kind, body: Any, error: Exception) -> None:
        """Take note of an object, whatever it is, and of why it cannot be read."""
        metadata = _mapping(_mapping(body).get("metadata"))
        namespace, name = str(metadata.get("namespace")), str(metadata.get("name"))
        uid, version = str(metadata.get("uid")), str(metadata.get("resourceVersion"))
        if self._noted.get((kind, uid)) == version:
            return
        self._noted[kind, uid] = version
        if len(self._noted) > REMEMBERED:
            self._noted.popitem(last=False)
        UNREADABLE.labels(kind.plural).inc()
        why = reason_of(error)
        if kind in _OURS:
            self._statuses.tell(kind, namespace, name, body, f"cannot be read: {why}")
        log.warning(
            "object.unreadable",
            kind=str(kind),
            namespace=namespace,
            name=name,
            error=why,
            exc_info=not isinstance(error, ValidationError | UnreadableError),
        )
        if kind in _OURS:
            note = Note(
                "Warning", Reason.UNREADABLE, f"cannot be read, and is left as it is: {why}"
            )
            self._recorder.tell(Subject(_OURS[kind], namespace, name, uid), note)
        elif owner := self._owner(kind, (namespace, name), metadata):
            message = f"its {_OTHERS.get(kind, kind.plural)} {name} cannot be read: {why}"
            self._recorder.record(owner, Note("Warning", Reason.UNREADABLE, message))

    def _owner(self, kind: Kind, key: Key, metadata: Mapping[str, Any]) -> Job | None:
        """Return whose it is, as far as its labels or owners say so, or as it was known before."""
        owners, labels = metadata.get("ownerReferences"), _mapping(metadata.get("labels"))
        said = {
            "ownerReferences": [o for o in owners if _text(_mapping(o).get("uid"))]
            if isinstance(owners, list)
            else [],
            "labels": {label: value for label, value in labels.items() if _text(value)},
        }
        return self._cache.owner_of(kind, said) or self._cache.owner(kind, key)


def reason_of(error: Exception) -> str:
    """Return why an object cannot be read, with the field that is at fault."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the object"
        return shorten(f"{where}: {first['msg']}")
    if isinstance(error, UnreadableError):
        return shorten(str(error))
    return shorten(f"{type(error).__name__}: {error}")


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _text(found: Any) -> bool:
    return isinstance(found, str)
