"""Names that a shell completes, as far as the API server gives them at once."""

from collections.abc import Mapping
from typing import Any


def names(plural: str, given: Mapping[str, Any], incomplete: str) -> list[str]:
    """Return the names that begin so; none where the API server cannot be asked."""
    from alidade.cli.connect import connect
    from alidade.errors import AlidadeError
    from alidade_core.api.experiment import Experiment
    from alidade_core.api.job import Job

    try:
        with connect(given.get("namespace"), given.get("context")) as client:
            found = client.list(Job if plural == "jobs" else Experiment)
    except AlidadeError:
        return []
    return sorted(n for each in found if (n := each.metadata.name).startswith(incomplete))
