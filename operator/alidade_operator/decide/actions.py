"""What a plan asks to be done, in the order given; the runtime does it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


@dataclass(frozen=True)
class CreateBatchJob:
    """Create the batch/v1 Job.

    Attributes:
        manifest: It.
        runs: Whether it takes a place in the queue, and is no sign of one that waits.
        service: The Service that has to be there before its pods, None where none has.
    """

    manifest: dict[str, Any]
    runs: bool = False
    service: dict[str, Any] | None = None


@dataclass(frozen=True)
class Release:
    """Let the batch/v1 Job run, and take a place in the queue for it.

    Attributes:
        patch: The patch that does so.
        service: The Service that has to be there before its pods, None where none has.
    """

    patch: dict[str, Any]
    service: dict[str, Any] | None = None


@dataclass(frozen=True)
class HaveService:
    """See that the Service under which the pods meet is there, should somebody have deleted it."""

    service: dict[str, Any]


@dataclass(frozen=True)
class Suspend:
    """Stop the pods of the batch/v1 Job, and keep it."""

    patch: dict[str, Any]


@dataclass(frozen=True)
class DeleteBatchJob:
    """Delete the batch/v1 Job with its pods.

    Attributes:
        uid: Its UID.
        version: Its version: one that has changed since is looked at again.
        foreground: Whether it stays until they are gone, so that no others can run beside them.
    """

    uid: str
    version: str
    foreground: bool = False


@dataclass(frozen=True)
class ReadBatchJob:
    """Look by its name for the batch/v1 Job that no list has, then plan again."""


@dataclass(frozen=True)
class ReadNamespace:
    """Ask whether the job's namespace is being deleted, then plan again."""


@dataclass(frozen=True)
class ReadPods:
    """Read the job's pods afresh, then plan again."""


@dataclass(frozen=True)
class ReadWorkload:
    """Ask Kueue why the batch/v1 Job of this UID is not admitted, then plan again."""

    uid: str


@dataclass(frozen=True)
class ReadWarnings:
    """Ask for the warnings about the object of this UID, then plan again."""

    uid: str


@dataclass(frozen=True)
class ReadTraces:
    """Ask for the events of the pods of a batch/v1 Job, then plan again.

    Attributes:
        uid: Its UID.
        succeeded: How many pods it counts as succeeded: when it counts more, there is more to tell.
    """

    uid: str
    succeeded: int


@dataclass(frozen=True)
class ReadLastLines:
    """Read the end of a container's log, which tells why it failed, then plan again."""

    pod: str
    container: str


@dataclass(frozen=True)
class CreateRun:
    """Create the job's MLflow run, or find the one created earlier."""

    tracking_experiment_id: str
    name: str
    tags: dict[str, str]


class RunEnd(StrEnum):
    """How a run ends, in MLflow's words."""

    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


@dataclass(frozen=True)
class EndRun:
    """Make MLflow's end of the run agree with the job's."""

    run_id: str
    end: RunEnd
    tags: dict[str, str]
    parameters: dict[str, str]
    """Those of which the run may have none, as its pod was killed before it recorded them."""


@dataclass(frozen=True)
class ArchiveLog:
    """Follow a container's log to its end, and make it an artifact of the run.

    Attributes:
        run_id: The MLflow run.
        pod: Name of the pod.
        container: Name of the container.
        last_words: What stands for a log that is empty: why the container never started, say.
    """

    run_id: str
    pod: str
    container: str
    last_words: str = ""


@dataclass(frozen=True)
class DeleteJob:
    """Delete the job, whose time to live has passed."""


Inquiry = ReadBatchJob | ReadNamespace | ReadPods | ReadWorkload | ReadWarnings | ReadTraces
"""What is asked of the API server at once."""
Action = (
    CreateBatchJob
    | Release
    | HaveService
    | Suspend
    | DeleteBatchJob
    | Inquiry
    | ReadLastLines
    | CreateRun
    | EndRun
    | ArchiveLog
    | DeleteJob
)
