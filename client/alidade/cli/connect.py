"""The client of a command."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alidade.client import Client


def connect(namespace: str | None, context: str | None) -> "Client":
    """Return a client, which the command closes."""
    from alidade.client import Client

    return Client(namespace, context=context)


def experiment_of(client: "Client", named: str | None) -> str:
    """Return the experiment that is named, or else the only one of the namespace.

    Raises:
        NotFoundError: None is named, and there is not exactly one.
    """
    from alidade.errors import NotFoundError
    from alidade_core.api.experiment import Experiment

    if named is not None:
        return named
    there = [each.metadata.name for each in client.list(Experiment)]
    if len(there) == 1:
        return there[0]
    known = f"one of {', '.join(sorted(there))}" if there else "there is none yet: apply one"
    raise NotFoundError(f"name the experiment by --experiment ({known})")
