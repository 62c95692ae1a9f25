"""What the operator asks of a tracking server."""

from pathlib import Path
from typing import NamedTuple, Protocol

from alidade_operator.decide.answers import Registered
from alidade_operator.decide.run_owner import Owner
from alidade_operator.decide.sums.registration import Registration


class TrackingError(Exception):
    """The tracking server, or something on the way there, failed a request.

    Attributes:
        unreachable: Whether there was no answer of its own, so that later there may be one.
        status: The HTTP status of the answer, None where there was none.
        code: MLflow's own name of the error, empty where the answer was not MLflow's.
        retry_after: Seconds for which it asks to be left alone, None where it does not.
    """

    def __init__(
        self,
        message: str,
        *,
        unreachable: bool,
        status: int | None = None,
        code: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.unreachable = unreachable
        self.status = status
        self.code = code
        self.retry_after = retry_after


class ExperimentLostError(TrackingError):
    """The experiment of a run is not there, or is not ours: it has to be registered again."""


class Run(NamedTuple):
    """A run that this installation has made, and whose it is."""

    run_id: str
    owner: Owner


class Tracking(Protocol):
    """A tracking server; every method raises TrackingError."""

    async def register(self, wanted: Registration) -> Registered:
        """Return the MLflow experiment of an Experiment: the one it has, else that of its name.

        Raises:
            TrackingError: Among the rest, it is deleted, its artifacts are elsewhere, or a library
                for the place of its artifacts is missing.
        """
        ...

    async def ensure_run(
        self, experiment_id: str, name: str, tags: dict[str, str], *, search: bool
    ) -> str:
        """Return the ID of this installation's run of a job, which is created if there is none.

        Args:
            experiment_id: The MLflow experiment that it belongs to.
            name: The name of the run.
            tags: Its tags, those that say whose it is among them.
            search: Whether it may have been created before; of several the others are ended.

        Raises:
            ExperimentLostError: The MLflow experiment is not the one that was registered.
        """
        ...

    async def open_runs(self, installation: str) -> list[Run]:
        """Return the runs that this installation can prove to have made, and that have not ended.

        Runs of all experiments are looked through.
        """
        ...

    async def right_run(self, uid: str) -> str | None:
        """Return the ID of the run that is a job's, of all that can be proven to be made for it.

        Runs of all experiments are looked through, those that have ended too; None where there is
        none any more.
        """
        ...

    async def end_run(
        self, run_id: str, uid: str, end: str, tags: dict[str, str], parameters: dict[str, str]
    ) -> bool:
        """Make the run's end this one, add the tags, and see that both are there.

        Args:
            run_id: The run.
            uid: UID of the job whose it is to be; a run of another is let be.
            end: Its end.
            tags: The tags.
            parameters: What it is given where it has no parameter of that name.

        Returns:
            Whether the job's run is there; one that is gone is let be.
        """
        ...

    async def end_surplus(self, run_id: str, uid: str, right: str) -> None:
        """End a run that the job of this UID has beside its right one."""
        ...

    async def log_artifact(self, run_id: str, uid: str, file: Path, folder: str) -> None:
        """Make a file an artifact of the run of this UID's job, in this folder of its artifacts."""
        ...
