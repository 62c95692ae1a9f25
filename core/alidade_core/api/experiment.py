"""Experiment: what a set of jobs measures together, an MLflow experiment."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from alidade_core.api.base import (
    REFERABLE,
    Column,
    Count,
    Definition,
    DnsSubdomain,
    Limits,
    Model,
    Resource,
    Rule,
    Status,
    fixed,
    map_of,
)
from alidade_core.api.base import rules as cel
from alidade_core.api.dataset import Datasets
from alidade_core.api.job_status import JobState
from alidade_core.api.source import without_mlflow
from alidade_core.api.workflow import Workflow

MAX_JOBS = 100_000
MAX_SETBACKS = 32


class Tracking(StrEnum):
    """Where the runs of an experiment are recorded."""

    MLFLOW = "MLflow"
    NONE = "None"


def _without_tracking(field: str, uris: str) -> Rule:
    return Rule(
        f"!has(self.tracking) || self.tracking != '{Tracking.NONE}' || {uris}",
        f"{field} must not be among MLflow's artifacts where tracking is {Tracking.NONE}",
        field=f".{field}",
    )


class ExperimentSpec(Model):
    """What is wanted."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            fixed(
                "artifactLocation",
                "MLflow cannot move what is there; create another experiment",
            ),
            _without_tracking(
                "workflow.source.archive.uri",
                "!has(self.workflow) || !has(self.workflow.source) || "
                "!has(self.workflow.source.archive) || "
                + without_mlflow("self.workflow.source.archive.uri"),
            ),
            _without_tracking(
                "datasets",
                "!has(self.datasets) || self.datasets.all(d, !has(d.artifact) || "
                + without_mlflow("d.artifact")
                + ")",
            ),
        )
    )

    workflow: Annotated[
        Workflow | None, Field(description="Default workflow of the experiment's jobs.")
    ] = None
    datasets: Annotated[
        Datasets,
        Field(
            description=(
                "Data that the jobs find in /data; a job's own of the same name stands in its "
                "place."
            )
        ),
    ] = ()
    queue: Annotated[
        DnsSubdomain | None, Field(description="Default queue of the experiment's jobs.")
    ] = None
    mlflow_experiment: Annotated[
        Annotated[str, Limits(minLength=1, maxLength=250, pattern=r"^[^\x00-\x1f\x7f]+$")] | None,
        Field(
            description=(
                "Name of the MLflow experiment that the runs are recorded in, which is registered "
                "if there is none; default: the namespace's name, a slash and this one's. "
                "Whoever names the same shares it. One that is registered is kept, whatever is "
                "written here later."
            ),
        ),
    ] = None
    artifact_location: Annotated[
        Annotated[str, Limits(maxLength=512, pattern=r"^[a-z][a-z0-9+.-]*:")] | None,
        Field(
            description=(
                "URI under which MLflow keeps the artifacts of the runs, such as s3://bucket/path; "
                "default: the tracking server's. Jobs and operator then write there themselves."
            ),
        ),
    ] = None
    tracking: Annotated[
        Tracking,
        Field(description="MLflow records a run a job; None records nothing."),
    ] = Tracking.MLFLOW
    completions: Annotated[
        Annotated[int, Limits(minimum=1, maximum=MAX_JOBS)] | None,
        Field(
            description=(
                "Jobs that have to end well before the experiment is Complete; without it, all "
                "that are there, which it is too before the rest of them is applied."
            )
        ),
    ] = None


class JobCounts(Model):
    """How many jobs of the experiment are in each state, of those that are there."""

    waiting: Count = 0
    queued: Count = 0
    started: Count = 0
    finished: Count = 0
    failed: Count = 0
    skipped: Count = 0
    cancelled: Count = 0


class Departure(StrEnum):
    """How a job went that is not there any more."""

    EXPIRED = "Expired"
    DELETED = "Deleted"
    UNSEEN = "Unseen"


class Setback(Model):
    """A job that did not end well, or was deleted before its end."""

    name: str
    uid: str
    state: JobState
    reason: str = ""
    message: str = ""
    completion_time: datetime | None = None
    departure: Annotated[
        Departure | None,
        Field(
            description=(
                "How it went, if it is not there any more. Expired: by its time to live. Deleted: "
                "by someone. Unseen: while no operator ran."
            )
        ),
    ] = None


class ExperimentStatus(Status):
    """What is."""

    mlflow_experiment_id: Annotated[
        str | None, Field(description="ID of the MLflow experiment.")
    ] = None
    mlflow_experiment: Annotated[
        str | None, Field(description="Name of the MLflow experiment.")
    ] = None
    jobs: JobCounts = JobCounts()
    setbacks: Annotated[
        tuple[Setback, ...],
        Limits(maxItems=MAX_SETBACKS, **map_of("uid")),
        Field(
            description=(
                "The first of the jobs that did not end well, those that failed by themselves "
                "before the others. One that is gone is kept until a job of its name takes its "
                "place."
            )
        ),
    ] = ()


class Experiment(Resource):
    """A set of jobs that measure something together."""

    definition: ClassVar = Definition(
        kind="Experiment",
        plural="experiments",
        singular="experiment",
        short_names=("aexp",),
        columns=(
            Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
            Column("MLflow ID", ".status.mlflowExperimentId"),
            Column("Waiting", ".status.jobs.waiting", "integer"),
            Column("Queued", ".status.jobs.queued", "integer"),
            Column("Started", ".status.jobs.started", "integer"),
            Column("Finished", ".status.jobs.finished", "integer"),
            Column("Failed", ".status.jobs.failed", "integer"),
            Column("Skipped", ".status.jobs.skipped", "integer", 1),
            Column("Cancelled", ".status.jobs.cancelled", "integer", 1),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
        rules=(REFERABLE,),
    )

    spec: ExperimentSpec = ExperimentSpec()
    status: ExperimentStatus = ExperimentStatus()
