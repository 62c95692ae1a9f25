"""The container's termination message, by which a pod tells the operator how its job went."""

from collections.abc import Mapping
from pathlib import Path

from alidade_worker.outputs import LIMIT_BYTES

TERMINATION_LOG = "ALIDADE_TERMINATION_LOG"
"""Variable that names another file than Kubernetes' own for the termination message."""

_KUBERNETES_FILE = Path("/dev/termination-log")


def write_message(environment: Mapping[str, str], message: str) -> None:
    """Leave the message where Kubernetes reads it; outside a pod there is nowhere, and no need."""
    named = environment.get(TERMINATION_LOG)
    file = Path(named) if named else _KUBERNETES_FILE
    if named or file.exists():
        file.write_bytes(message.encode(errors="replace")[:LIMIT_BYTES])
