"""What the operator asks of a tracking server."""

from pathlib import Path
from typing import NamedTuple, Protocol


class TrackingError(Exception):
    """The tracking server failed a request.

    Attributes:
        unreachable: Whether it gave no answer of its own, so that later it may.
    """

    def __init__(self, message: str, *, unreachable: bool) -> None:
        super().__init__(message)
        self.unreachable = unreachable


class Run(NamedTuple):
    """A run, as far as it is asked for."""

    run_id: str
    tags: dict[str, str]


class Tracking(Protocol):
    """A tracking server; every method raises TrackingError."""

    async def ensure_experiment(self, name: str, artifact_location: str | None) -> str:
        """Return the ID of the experiment of this name, which is created if there is none.

        Args:
            name: Its name.
            artifact_location: Where its artifacts are to be; None leaves it to the server.

        Raises:
            TrackingError: Among the rest, there is one whose artifacts are elsewhere.
        """
        ...

    async def ensure_run(
        self, experiment_id: str, name: str, tags: dict[str, str], *, search: bool
    ) -> str:
        """Return the ID of the run with the UID tag given, which is created if there is none.

        Args:
            experiment_id: The experiment that it belongs to.
            name: The name of the run.
            tags: Its tags, the UID tag among them.
            search: Whether it may have been created before.
        """
        ...

    async def open_runs(self, tags: dict[str, str]) -> list[Run]:
        """Return the runs of all experiments that have these tags and have not ended."""
        ...

    async def end_run(self, run_id: str, end: str, tags: dict[str, str]) -> None:
        """Make the run's end this one, and add the tags; a run that is gone is let be."""
        ...

    async def log_artifact(self, run_id: str, file: Path, folder: str) -> None:
        """Make a file an artifact of the run, in this folder of its artifacts."""
        ...
