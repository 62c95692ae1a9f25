"""All that a decision about one job rests on, taken at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Self

from alidade_core.api.experiment import Experiment, Tracking
from alidade_core.api.job import Job
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.queue import Queue
from alidade_core.words import beginning
from alidade_operator.domain import refusal
from alidade_operator.domain.actions import Action
from alidade_operator.domain.admission import Place
from alidade_operator.domain.image import Image
from alidade_operator.domain.observed import BackingJob, Pod
from alidade_operator.domain.registration import Registered
from alidade_operator.domain.room import Refused


@dataclass(frozen=True)
class Rejection:
    """The API server's refusal of something that a job needs.

    Attributes:
        reason: Why, in one word.
        message: Why, in the API server's words.
        final: Whether it can never be taken.
        at: When it was refused.
        tries: How often in a row.
        pause: Seconds after which it is tried again.
        short: Whether it is for want of room for batch/v1 Jobs in a quota.
        fields: Paths of what the API server itself finds wrong in the object.
        of: What tells that object from others, of a final refusal.
    """

    reason: str
    message: str
    final: bool
    at: datetime
    tries: int = 1
    pause: float = refusal.FIRST_PAUSE_SECONDS
    short: bool = False
    fields: tuple[str, ...] = ()
    of: str = ""

    @classmethod
    def next(
        cls, before: Self | None, reason: str, message: str, at: datetime, **more: Any
    ) -> Self:
        """Return a refusal that follows another of the same; the pause before a new try grows.

        Args:
            before: The refusal before it, None where there was none.
            reason: Why, in one word.
            message: Why, in the API server's words.
            at: When it was refused.
            more: Other attributes; by default it is not final.
        """
        tries = before.tries + 1 if before else 1
        known = {"final": False, "pause": refusal.pause(tries), **more}
        return cls(reason, beginning(message), at=at, tries=tries, **known)


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


@dataclass(frozen=True)
class Snapshot:
    """A job, what surrounds it, and the time.

    Attributes:
        job: The job as last read.
        now: The time of the decision.
        tracking_uri: Where pods reach MLflow.
        installation: UID that the operator's installation is known by, empty if it has none.
        default_image: What jobs run in that name no image, and whose experiment names none.
        kept_back: Domains whose labels and annotations are not passed on to what is made for it.
        experiment: Its experiment, None where there is none of that name.
        queue: Its queue, None where there is none of that name.
        others: Jobs of the namespace that it depends on, by name, as far as they exist.
        awaited: Whether a job that depends on it has not taken note of its end yet, or of a value.
        cycle: Names of the jobs it waits for in a circle.
        backing: The batch/v1 Job of its name, if it owns it.
        backing_missed: Whether that was looked for by its name, and is not there.
        namespace_ends: Whether the namespace is being deleted, None where that was not asked for.
        turned_back: Whether it is missing as the API server's store was restored from a backup.
        rejection: Why the API server would not create that, or let it be released.
        refused: What else was refused of what was asked for it, by the kind of action.
        short_since: When a quota last took no batch/v1 Job of the namespace, None where none did.
        next_refused: Who comes first of those of the namespace that it refused when their turn had
            come.
        service_seen: When its Service was last known to be there.
        workload: What Kueue says of that, if it was asked.
        warnings: The last warning about that and about pods of it, by UID, where it was asked for.
        pods: The pods of the backing Job.
        gone: Pods of it that are gone, as they last were.
        traces: What events tell of the pods of it, from first to last, if they were asked for.
        strays: Pods of an earlier batch/v1 Job of its name.
        pods_complete: Whether the pods were read after the backing Job ended, or was gone.
        place: Whether its queue has a place for it.
        contested: Whether another job waits for a place in its queue.
        run: What is known of its MLflow run.
        keeps_logs: Whether the logs of its pods are to be archived.
        said: Ends of logs, by pod and container, as far as they were asked for; None where one
            could not be read.
        logs: What has become of them, by pod and container, as far as they were asked for.
    """

    job: Job
    now: datetime
    tracking_uri: str = ""
    installation: str = ""
    default_image: Image | None = None
    kept_back: tuple[str, ...] = ()
    experiment: Experiment | None = None
    queue: Queue | None = None
    others: Mapping[str, Job] = field(default_factory=dict)
    awaited: bool = False
    cycle: tuple[str, ...] = ()
    backing: BackingJob | None = None
    backing_missed: bool = False
    namespace_ends: bool | None = None
    turned_back: bool = False
    rejection: Rejection | None = None
    refused: Mapping[type[Action], Rejection] = field(default_factory=dict)
    short_since: datetime | None = None
    next_refused: Refused | None = None
    service_seen: datetime | None = None
    workload: WorkloadView | None = None
    warnings: Mapping[str, WarningView] = field(default_factory=dict)
    pods: tuple[Pod, ...] = ()
    gone: tuple[Pod, ...] = ()
    traces: tuple[Trace, ...] | None = None
    strays: tuple[Pod, ...] = ()
    pods_complete: bool = False
    place: Place | None = None
    contested: bool = False
    run: TrackingView = TrackingView()
    keeps_logs: bool = True
    said: Mapping[tuple[str, str], str | None] = field(default_factory=dict)
    logs: Mapping[tuple[str, str], LogView] = field(default_factory=dict)

    @property
    def was_released(self) -> bool:
        """Whether its pods were let run, and not stopped by us since."""
        suspended = self.job.status.condition(JobCondition.SUSPENDED)
        return suspended is not None and suspended.status == "False"

    @property
    def tracked(self) -> bool:
        """Whether the job has, or is to have, an MLflow run."""
        return self.experiment is None or self.experiment.spec.tracking is Tracking.MLFLOW

    @property
    def tracking_experiment_id(self) -> str | None:
        """MLflow's ID of the experiment, None where it is not known."""
        return self.experiment.status.mlflow_experiment_id if self.experiment else None
