"""What a source is fetched with, as the pod's environment has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alidade_core.contract import GIT_CREDENTIALS_FOLDER, TRACKING_URI
from alidade_worker.errors import UsageError
from alidade_worker.memory import CGROUPS
from alidade_worker.source.bound import MOST, allowance
from alidade_worker.source.patience import Patience

PATIENCE = "ALIDADE_SOURCE_PATIENCE"
"""Variable: for how many seconds what cannot be reached is tried again, 300 by default."""

TIMEOUT = "ALIDADE_SOURCE_TIMEOUT"
"""Variable: for how many seconds a server may say nothing, 60 by default."""


@dataclass(frozen=True)
class Means:
    """What a source is fetched with."""

    tracking_uri: str
    """MLflow's, empty where there is none."""
    patience: Patience
    timeout: float
    """Seconds for which a server may say nothing."""
    git_credentials: Path = Path(GIT_CREDENTIALS_FOLDER)
    """Folder of ``username`` and ``password``, where there are any."""
    memory: int = MOST
    """Bytes of memory that fetching and unpacking one of them may take."""


def read_means(environment: Mapping[str, str], cgroups: Path = CGROUPS) -> Means:
    """Read them off a pod's environment.

    Args:
        environment: The pod's.
        cgroups: Where its container's limits are.

    Raises:
        UsageError: a variable is no number.
    """
    return Means(
        tracking_uri=environment.get(TRACKING_URI, ""),
        patience=Patience(_seconds(environment, PATIENCE, 300.0)),
        timeout=_seconds(environment, TIMEOUT, 60.0),
        memory=allowance(cgroups),
    )


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, "")
    try:
        seconds = float(text) if text else default
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise UsageError(f'{name} is "{text}", but has to be a number of seconds such as 300.')
    return seconds
