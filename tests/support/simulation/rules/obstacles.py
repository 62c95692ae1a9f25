"""What else may refuse a change: RBAC, policies, webhooks, a busy server."""

from alidade_operator.kube.gateway import ApiError, Kind
from tests.support.simulation.rules import refusals
from tests.support.simulation.rules.text import received

BUSY_SECONDS = 20.0


def obstacles(kind: Kind, said: str) -> tuple[ApiError, ...]:
    """Return all that may be answered in the way of a request.

    Args:
        kind: What it is about.
        said: What somebody has configured to be told; it comes by a server in Go.
    """
    words: str = received(said)
    resource = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
    webhook = f'admission webhook "few.example" denied the request: {words}'
    return (
        refusals.forbidden(f'{resource} is forbidden: User "alidade" cannot do that: {words}'),
        refusals.forbidden(webhook),
        refusals.bad_request(webhook),
        refusals.denied(webhook),
        refusals.denied(f"ValidatingAdmissionPolicy 'few' with binding 'few' denied it: {words}"),
        refusals.conflict(f"Operation cannot be fulfilled on {resource}: {words}"),
        refusals.internal(f'failed calling webhook "few.example": {words}'),
        refusals.busy("Too many requests, please try again later.", BUSY_SECONDS),
    )
