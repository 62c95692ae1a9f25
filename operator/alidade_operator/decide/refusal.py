"""What a refusal by the API server means: whether it is the object's own fault, or may be lifted.

Codes do not tell: a policy answers with 422 unless it says otherwise, a webhook with 400, a quota
with 403, and all of them may change their mind. What the API server itself finds wrong in an object
names the fields, or says that it is none of its kind.
"""

from collections.abc import Mapping
from typing import Any

# A quota is raised, a policy lifted, a name cleared away: seldom within seconds.
FIRST_PAUSE_SECONDS = 15
LONGEST_PAUSE_SECONDS = 240

_BY_WEBHOOK = "admission webhook "
_CALLING_WEBHOOK = "failed calling webhook "
# apiserver's rest.BeforeCreate and handlers.transformDecodeError.
_NONE_OF_ITS_KIND = " cannot be handled as a "
# Of strict decoding, and of Go's decoder of JSON.
_NAMING = ("strict decoding error: ", "Go struct field ")
_INVALID, _BAD_REQUEST, _SERVER_ERROR = 422, 400, 500
_OVER_QUOTA = "exceeded quota: "
_JOBS = "count/jobs.batch="


def is_final(status: Mapping[str, Any]) -> bool:
    """Whether the object can never be taken: the API server itself finds it wrong.

    Args:
        status: The refusal, a metav1.Status.
    """
    code, message = status.get("code"), str(status.get("message"))
    if message.startswith(_BY_WEBHOOK):
        # It may give any status, causes and all.
        return False
    if code == _BAD_REQUEST:
        return _NONE_OF_ITS_KIND in message
    return code == _INVALID and any(map(_names_a_field, _causes(status)))


def fields(status: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the paths of what the API server itself finds wrong in an object."""
    return tuple(str(cause.get("field")) for cause in _causes(status) if _names_a_field(cause))


def names_no_field(status: Mapping[str, Any]) -> bool:
    """Whether it says what is wrong with a value, but not where that is.

    Args:
        status: The refusal, a metav1.Status, of an object that can never be taken.
    """
    message = str(status.get("message"))
    return not _causes(status) and not any(words in message for words in _NAMING)


def is_told(status: Mapping[str, Any]) -> bool:
    """Whether a server error is one of a webhook, which lasts, and is somebody's to mend."""
    return _CALLING_WEBHOOK in str(status.get("message"))


def is_for_want_of_jobs(status: Mapping[str, Any]) -> bool:
    """Whether a quota takes no more batch/v1 Jobs."""
    message = str(status.get("message"))
    _, over, asked = message.partition(_OVER_QUOTA)
    return bool(over) and _JOBS in asked


def pause(tries: int) -> float:
    """Return after how many seconds to try again what was refused so many times."""
    doubled = FIRST_PAUSE_SECONDS << max(min(tries - 1, 16), 0)
    return float(min(doubled, LONGEST_PAUSE_SECONDS))


def _causes(status: Mapping[str, Any]) -> list[Any]:
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, Mapping) else None
    return causes if isinstance(causes, list) else []


def _names_a_field(cause: Any) -> bool:
    # Those of policies have a message only.
    return isinstance(cause, Mapping) and str(cause.get("reason")).startswith("FieldValue")
