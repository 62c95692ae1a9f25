"""Experiment: what a set of jobs measures together, an MLflow experiment."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from alidade.api.base import (
    REFERABLE,
    Column,
    Conditions,
    Count,
    Definition,
    DnsSubdomain,
    Generation,
    Limits,
    Model,
    Resource,
    fixed,
)
from alidade.api.base import rules as cel

ImageReference = Annotated[str, Limits(minLength=1, maxLength=512)]


class Tracking(StrEnum):
    """Where the runs of an experiment are recorded."""

    MLFLOW = "MLflow"
    NONE = "None"


class Workflow(Model):
    """The code that the jobs of the experiment run."""

    image: Annotated[
        ImageReference,
        Field(description="Image that holds the entry points; the default of the jobs' image."),
    ]
    path: Annotated[
        Annotated[str, Limits(maxLength=512)] | None,
        Field(description="Directory in the image that holds MLproject."),
    ] = None


class ExperimentSpec(Model):
    """What is wanted."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            fixed(
                "artifactLocation",
                "MLflow cannot move what is there; create another experiment",
            )
        )
    )

    workflow: Annotated[
        Workflow | None, Field(description="Default workflow of the experiment's jobs.")
    ] = None
    queue: Annotated[
        DnsSubdomain | None, Field(description="Default queue of the experiment's jobs.")
    ] = None
    mlflow_experiment: Annotated[
        str | None,
        Field(
            description=(
                "Name of the MLflow experiment that the runs are recorded in, which is registered "
                "if there is none; default: the namespace's name, a slash and this one's. "
                "Whoever names the same shares it. One that is registered is kept, whatever is "
                "written here later."
            ),
            min_length=1,
            max_length=250,
            pattern=r"^[^\x00-\x1f\x7f]+$",
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


class JobCounts(Model):
    """How many jobs of the experiment are in each state."""

    waiting: Count = 0
    queued: Count = 0
    started: Count = 0
    finished: Count = 0
    failed: Count = 0
    skipped: Count = 0
    cancelled: Count = 0


class ExperimentStatus(Model):
    """What is."""

    mlflow_experiment_id: Annotated[
        str | None, Field(description="ID of the MLflow experiment.")
    ] = None
    mlflow_experiment: Annotated[
        str | None, Field(description="Name of the MLflow experiment.")
    ] = None
    jobs: JobCounts = JobCounts()
    conditions: Conditions = ()
    observed_generation: Generation | None = None


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
