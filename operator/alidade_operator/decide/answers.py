"""What was found out beside the watches: of Kueue, of events, of MLflow, of logs."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Registered(NamedTuple):
    """The MLflow experiment of an Experiment.

    Attributes:
        experiment_id: MLflow's ID.
        name: Its name there.
        others: Who else records runs in it.
        instead_of: ID of the one that it had before, and that is not there any more.
    """

    experiment_id: str
    name: str
    others: tuple[str, ...] = ()
    instead_of: str | None = None


@dataclass(frozen=True)
class WorkloadView:
    """What Kueue says of a batch/v1 Job that it keeps suspended.

    Attributes:
        read: When it was asked.
        message: Why it waits.
        found: Whether Kueue has noticed it.
        never: Whether Kueue will never start it.
        reserved: Whether Kueue has reserved what it needs, and waits for checks to let it run.
    """

    read: datetime
    message: str
    found: bool = False
    never: bool = False
    reserved: bool = False


@dataclass(frozen=True)
class WarningView:
    """The last warning about a batch/v1 Job, or a pod of it.

    Attributes:
        read: When it was asked for.
        reason: Its reason, in one word.
        message: Its words.
        at: When it was last given, by the clock of who gave it; None where it never was.
        seen: When the operator first saw it, by its own.
    """

    read: datetime
    reason: str = ""
    message: str = ""
    at: datetime | None = None
    seen: datetime | None = None


class Trace(NamedTuple):
    """What events tell of a pod.

    Attributes:
        pod: Its name.
        stopped: Whether its own container was stopped before it had ended by itself.
    """

    pod: str
    stopped: bool


@dataclass(frozen=True)
class TrackingView:
    """What MLflow is known to have for an object, beyond what its status says.

    Attributes:
        tracking_id: The run of a job, or the experiment, that was created or found.
        settled: Whether MLflow's end of the run was seen to agree with the job's.
        gone: Whether the run was seen to be gone.
        registered: The MLflow experiment, where this is an experiment.
        trouble: What MLflow, or the way to it, has against it, in one sentence.
        away: Whether that is that there is no answer.
    """

    tracking_id: str | None = None
    settled: bool = False
    gone: bool = False
    registered: Registered | None = None
    trouble: str | None = None
    away: bool = False


@dataclass(frozen=True)
class LogView:
    """What has become of one container's log.

    Attributes:
        done: Whether nothing more is going to be done about it.
        trouble: Why it is not archived, or not yet, in one sentence.
        missing: What is not in the artifact, in one sentence.
    """

    done: bool = False
    trouble: str | None = None
    missing: str | None = None
