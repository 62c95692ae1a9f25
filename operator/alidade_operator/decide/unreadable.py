"""What is told in the status of an object that cannot be read, and left of it as it is.

Of a resource that is nothing like its model only the conditions are touched, and of a job that has
not ended the words that say why it waits: they would be those of a time before.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from alidade_core.api.base import MAX_MESSAGE
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import ENDS, JobState
from alidade_core.api.reason import Reason
from alidade_operator.decide.draft import Draft

READABLE: Final = JobCondition.READABLE


def status_patch(body: Mapping[str, Any], why: str, now: datetime) -> dict[str, Any] | None:
    """Return the patch that tells so, None where it is told, or where there is no place for it.

    Args:
        body: The object, as the API server gives it.
        why: Why it cannot be read.
        now: The time.
    """
    metadata, before = body.get("metadata"), body.get("status") or {}
    if not isinstance(metadata, Mapping) or not isinstance(before, Mapping):
        return None
    this = {key: metadata.get(key) for key in ("uid", "resourceVersion")}
    if not all(isinstance(value, str) for value in this.values()):
        return None
    conditions = _by_type(before.get("conditions") or [])
    if conditions is None:
        return None
    message = why[:MAX_MESSAGE]
    told = conditions.get(READABLE, {})
    if (told.get("status"), told.get("message")) == ("False", message):
        return None
    status: dict[str, Any] = {}
    _tell(conditions, READABLE, "False", message, now)
    if body.get("kind") == "Job" and before.get("state") not in ENDS:
        state = before.get("state") or JobState.WAITING
        status = {"state": state, "reason": Reason.UNREADABLE, "message": message}
        held = conditions.get(JobCondition.SUSPENDED, {"status": "True"})
        if held.get("status") == "True":
            _tell(conditions, JobCondition.SUSPENDED, "True", "", now)
    return {
        "metadata": this,
        "status": {**status, "conditions": list(conditions.values())},
    }


def resolve(draft: Draft) -> None:
    """Tell that a job can be read, if it could not be."""
    told = draft.status.condition(READABLE)
    if told is not None and told.status != "True":
        draft.condition(READABLE, True, Reason.RESOLVED)


def _by_type(found: Any) -> dict[str, dict[str, Any]] | None:
    if not isinstance(found, list):
        return None
    if not all(isinstance(one, dict) and isinstance(one.get("type"), str) for one in found):
        return None
    return {one["type"]: one for one in found}


def _tell(
    conditions: dict[str, dict[str, Any]], kind: str, status: str, message: str, now: datetime
) -> None:
    before = conditions.get(kind, {})
    stamp = now.replace(microsecond=0).isoformat().replace("+00:00", "Z")
    since = before.get("lastTransitionTime") if before.get("status") == status else None
    conditions[kind] = {
        "type": str(kind),
        "status": status,
        "reason": str(Reason.UNREADABLE),
        "message": message,
        "lastTransitionTime": since or stamp,
    }
