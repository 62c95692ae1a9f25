"""What the API server's answers mean to a user, in one sentence each."""

import json
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from alidade.errors import (
    AlidadeError,
    AlreadyExistsError,
    ForbiddenError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)
from alidade.k8s.kinds import CONFIG_MAPS, LEASES, PODS, SECRETS, Kind
from alidade_core.api.base import GROUP
from alidade_core.words import beginning

FORWARD_ROLE: Final = "alidade-mlflow-user"
"""Role in Alidade's own namespace of those who may reach its MLflow."""

_OF_FORWARD_ROLE: Final = (CONFIG_MAPS, PODS)
# Kubernetes' role view has none of these.
_NOT_VIEWED: Final = (LEASES, SECRETS)
_READS: Final = frozenset({"get", "list", "watch"})
_ERRORS: Final = 400
_SERVER_ERRORS: Final = 500


class Asked(NamedTuple):
    """What was asked for.

    Attributes:
        verb: As RBAC has it.
        kind: Of which kind.
        namespace: Where, None for what is in none.
        name: Of which object, empty for all or for none.
        subresource: Of which part of it, as `log`.
        installation: Whether it is one of Alidade's own objects, and not the user's.
    """

    verb: str
    kind: Kind
    namespace: str | None
    name: str = ""
    subresource: str = ""
    installation: bool = False

    @property
    def right(self) -> str:
        """The right that it takes, as `create jobs.alidade.dev in namespace team`."""
        what = f"{self.kind.words}/{self.subresource}" if self.subresource else self.kind.words
        return f"{self.verb} {what}" + (f" in namespace {self.namespace}" if self.namespace else "")

    @property
    def role(self) -> str:
        """A role that has the right."""
        if self.installation and self.kind in _OF_FORWARD_ROLE:
            return f"the Role {FORWARD_ROLE} there"
        if not self.kind.namespaced:
            return "a role with that right, which the cluster's administrator has"
        if self.kind.group != GROUP:
            view = self.verb in _READS and self.kind not in _NOT_VIEWED
            return "the role view" if view else "the role edit"
        if self.verb in _READS:
            return "the role alidade-view"
        owner = "alidade-queue-owner" if self.kind.plural == "queues" else "alidade-submit"
        return f"the role {owner}"


def is_error(code: int) -> bool:
    """Say whether an answer is one of errors, by its code."""
    return code >= _ERRORS


def error_of(asked: Asked, code: int, text: str) -> AlidadeError:
    """Return the error that an answer is."""
    status = _status(text)
    words = beginning(str(status.get("message") or text or HTTPStatus(code).phrase))
    object_ = f"{asked.kind.words} '{asked.name}'" if asked.name else asked.kind.words
    if code == HTTPStatus.UNAUTHORIZED:
        return ForbiddenError(
            "the API server does not know who you are: log in again, or mend the user in the "
            "kubeconfig"
        )
    if code == HTTPStatus.FORBIDDEN and f" cannot {asked.verb} resource " in words:
        return ForbiddenError(f"you may not {asked.right}: ask for {asked.role}")
    if code == HTTPStatus.NOT_FOUND:
        return NotFoundError(_not_found(asked, status, words))
    if code == HTTPStatus.CONFLICT and status.get("reason") == "AlreadyExists":
        return AlreadyExistsError(f"{object_} is there already, in namespace {asked.namespace}")
    if code >= _SERVER_ERRORS or code == HTTPStatus.TOO_MANY_REQUESTS:
        return UnreachableError(f"the API server answers {code}: {words}")
    return RefusedError(f"{object_}: {words}")


def _status(text: str) -> dict[str, Any]:
    try:
        status = json.loads(text)
    except ValueError:
        return {}
    return status if isinstance(status, dict) else {}


def _not_found(asked: Asked, status: dict[str, Any], words: str) -> str:
    where = f"in namespace {asked.namespace}" if asked.namespace else "in the cluster"
    if status.get("details", {}).get("name"):
        if asked.kind.group == GROUP:
            return f"there is no {asked.kind.plural.removesuffix('s')} '{asked.name}' {where}"
        return words
    if asked.kind.group == GROUP:
        return (
            f"the cluster has no {asked.kind.words}: install Alidade's definitions, which are in "
            "the folder crds of its chart"
        )
    return words
