"""All that a decision about one job rests on, taken at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from alidade_core.api.experiment import Experiment, Tracking
from alidade_core.api.job import Job
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.queue import Queue
from alidade_operator.decide.actions import Action
from alidade_operator.decide.admitted import Place
from alidade_operator.decide.answers import LogView, Trace, TrackingView, WarningView, WorkloadView
from alidade_operator.decide.image import Image
from alidade_operator.decide.rejection import Refused, Rejection
from alidade_operator.objects.views import BatchJob, Pod


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
        batch_job: The batch/v1 Job of its name, if it owns it.
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
        pods: The pods of the batch/v1 Job.
        gone: Pods of it that are gone, as they last were.
        traces: What events tell of the pods of it, from first to last, if they were asked for.
        strays: Pods of an earlier batch/v1 Job of its name.
        pods_complete: Whether the pods were read after the batch/v1 Job ended, or was gone.
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
    batch_job: BatchJob | None = None
    batch_job_missed: bool = False
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
    orphans: tuple[Pod, ...] = ()
    pods_complete: bool = False
    place: Place | None = None
    contested: bool = False
    run: TrackingView = field(default_factory=TrackingView)
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
