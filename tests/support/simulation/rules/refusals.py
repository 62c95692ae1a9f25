"""Refusals as an API server words them: an error with its metav1.Status."""

from collections.abc import Iterable
from typing import TypeVar

from alidade_operator.kube.gateway import (
    ApiError,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    Kind,
    NotFoundError,
    UnavailableError,
)

_Error = TypeVar("_Error", bound=ApiError)


def invalid(faults: Iterable[str]) -> InvalidError:
    """The object breaks rules of its kind; each fault is `field: message`."""
    causes = [
        {"reason": "FieldValueInvalid", "field": field, "message": message}
        for field, _, message in (fault.partition(": ") for fault in faults)
    ]
    message = "; ".join(f"{cause['field']}: {cause['message']}" for cause in causes)
    return _refused(InvalidError, 422, "Invalid", message, details={"causes": causes})


def bad_request(message: str) -> InvalidError:
    """The request cannot be understood."""
    return _refused(InvalidError, 400, "BadRequest", message)


def not_found(what: str) -> NotFoundError:
    """There is no such object, namespace or kind."""
    return _refused(NotFoundError, 404, "NotFound", f"{what} not found")


def no_kind() -> NotFoundError:
    """There is no such kind; the answer is no Status."""
    return NotFoundError("404 page not found", code=404)


def conflict(message: str) -> ConflictError:
    """The object is another, or has changed."""
    return _refused(ConflictError, 409, "Conflict", message)


def too_old(message: str) -> ExpiredError:
    """What the request goes on from is no longer known."""
    return _refused(ExpiredError, 410, "Expired", message)


def exists(what: str) -> ConflictError:
    """There is an object of this name."""
    return _refused(ConflictError, 409, "AlreadyExists", f"{what} already exists")


def forbidden(message: str) -> ForbiddenError:
    """Admission, a quota or RBAC refuses the request."""
    return _refused(ForbiddenError, 403, "Forbidden", message)


def terminating(kind: Kind, name: str, namespace: str) -> ForbiddenError:
    """Nothing new is let into a namespace that is being deleted (NamespaceLifecycle)."""
    resource = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    details = {"name": name, "group": kind.group, "kind": kind.plural, "causes": [cause]}
    message = f'{resource} "{name}" is forbidden: {why}'
    return _refused(ForbiddenError, 403, "Forbidden", message, details=details)


def denied(message: str) -> InvalidError:
    """Somebody's rule is against it, which has no fields to name."""
    return _refused(
        InvalidError, 422, "Invalid", message, details={"causes": [{"message": message}]}
    )


def busy(message: str, seconds: float) -> UnavailableError:
    """It asks to be left alone for so long; the answer is no Status (the filter for APF)."""
    return UnavailableError(message, code=429, retry_after=seconds)


def over_quota(kind: Kind) -> ForbiddenError:
    """A quota takes no more objects of the kind."""
    counted = f"count/{kind.plural}.{kind.group}" if kind.group else kind.plural
    asked = f"requested: {counted}=1, used: {counted}=1, limited: {counted}=1"
    return forbidden(f"exceeded quota: few, {asked}")


def too_large(message: str) -> ApiError:
    """The request is longer than the API server reads."""
    return _refused(ApiError, 413, "RequestEntityTooLarge", message)


def internal(message: str) -> UnavailableError:
    """Something behind the API server failed."""
    return _refused(UnavailableError, 500, "", message)


def _refused(error: type[_Error], code: int, reason: str, message: str, **more: object) -> _Error:
    known = {"kind": "Status", "status": "Failure", "code": code, "reason": reason}
    return error(message, {**known, "message": message, **more}, code=code)
