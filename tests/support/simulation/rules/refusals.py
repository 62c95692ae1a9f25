"""Refusals as an API server words them: an error with its metav1.Status."""

from collections.abc import Iterable

from alidade.kube.gateway import (
    ApiError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)


def invalid(faults: Iterable[str]) -> InvalidError:
    """The object breaks rules of its kind; each fault is `field: message`."""
    causes = [
        {"reason": "FieldValueInvalid", "field": field, "message": message}
        for field, _, message in (fault.partition(": ") for fault in faults)
    ]
    return InvalidError(
        "; ".join(f"{cause['field']}: {cause['message']}" for cause in causes),
        _status(422, "Invalid") | {"details": {"causes": causes}},
        code=422,
    )


def bad_request(message: str) -> InvalidError:
    """The request cannot be understood."""
    return InvalidError(message, _status(400, "BadRequest"), code=400)


def not_found(what: str) -> NotFoundError:
    """There is no such object, namespace or kind."""
    return NotFoundError(f"{what} not found", _status(404, "NotFound"), code=404)


def no_kind() -> NotFoundError:
    """There is no such kind; the answer is no Status."""
    return NotFoundError("404 page not found", code=404)


def conflict(message: str) -> ConflictError:
    """The object is another, or has changed."""
    return ConflictError(message, _status(409, "Conflict"), code=409)


def exists(what: str) -> ConflictError:
    """There is an object of this name."""
    return ConflictError(f"{what} already exists", _status(409, "AlreadyExists"), code=409)


def forbidden(message: str) -> ForbiddenError:
    """Admission, a quota or RBAC refuses the request."""
    return ForbiddenError(message, _status(403, "Forbidden"), code=403)


def too_large(message: str) -> ApiError:
    """The request is longer than the API server reads."""
    return ApiError(message, _status(413, "RequestEntityTooLarge"), code=413)


def internal(message: str) -> UnavailableError:
    """Something behind the API server failed."""
    return UnavailableError(message, _status(500, ""), code=500)


def _status(code: int, reason: str) -> dict[str, object]:
    return {"kind": "Status", "status": "Failure", "code": code, "reason": reason}
