"""What became of a job: its state, its conditions, its attempts and what failed first."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from alidade_core.api.base import Count, Limits, Model, Status, map_of
from alidade_core.api.dataset import Dataset
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.parameter import ParameterValue
from alidade_core.api.reason import Reason
from alidade_core.api.workflow import WorkflowStatus

MAX_ATTEMPTS = 20
MAX_LOST_RUNS = 3
ExitCode = Annotated[int, Limits(minimum=-(2**31), maximum=2**31 - 1)]


class JobState(StrEnum):
    """Where a job is, in one word; the last four are ends and final."""

    WAITING = "Waiting"
    QUEUED = "Queued"
    STARTED = "Started"
    FINISHED = "Finished"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    CANCELLED = "Cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing will ever happen to the job again."""
        return self in ENDS


ENDS = frozenset({JobState.FINISHED, JobState.FAILED, JobState.SKIPPED, JobState.CANCELLED})


class DependencyStatus(Model):
    """What was last seen of a dependency; final once it is met, or has ended."""

    name: str
    uid: str | None = None
    state: JobState | None = None
    met: Annotated[
        bool, Field(description="Whether the condition held; once true it stays so.")
    ] = False

    @property
    def decided(self) -> bool:
        """Whether nothing that happens to the dependency makes a difference any more."""
        return self.met or (self.state is not None and self.state.ended)


class RootCause(Model):
    """What failed first."""

    job: Annotated[str, Field(description="The job that failed.")]
    reason: str
    message: str
    exit_code: ExitCode | None = None
    last_lines: Annotated[
        str | None,
        Field(description="The end of its log, if that has more to say than the message."),
    ] = None


class Fate(StrEnum):
    """What became of a pod, whatever its exit code."""

    STOPPED = "Stopped"
    NEVER_RAN = "NeverRan"
    FAILED = "Failed"
    SUCCEEDED = "Succeeded"


class Attempt(Model):
    """A pod that ran the job, and how it ended."""

    pod: str
    node: str | None = None
    image_id: Annotated[
        str | None,
        Field(description="The image that ran, with its digest, in the words of the runtime."),
    ] = None
    start_time: datetime | None = None
    completion_time: datetime | None = None
    reason: Annotated[
        str | None, Field(description="How it ended, in one word; unset while it runs.")
    ] = None
    message: Annotated[str | None, Field(description="How it ended, in one sentence.")] = None
    exit_code: ExitCode | None = None
    fate: Annotated[
        Fate | None,
        Field(
            description=(
                "Stopped: somebody or something ended it before it had finished, whatever its exit "
                "code. NeverRan: no container of it was ever started. Failed, Succeeded: it ended "
                "by itself. Unset while it runs."
            )
        ),
    ] = None


class Retries(Model):
    """How often a job was begun anew, as its pods were stopped or never ran."""

    count: Annotated[Count, Field(description="How often.")] = 0
    failures: Annotated[
        Count,
        Field(description="How many pods had failed by themselves by then; backoffLimit counts."),
    ] = 0
    rejections: Annotated[
        Count, Field(description="How many of the last tries in a row no node would run.")
    ] = 0
    last_time: Annotated[datetime, Field(description="When it last was.")]
    batch_job: Annotated[str, Field(description="UID of the batch/v1 Job given up then.")]
    lost_runs: Annotated[
        tuple[str, ...],
        Limits(maxItems=MAX_LOST_RUNS),
        Field(description="IDs of MLflow runs that were not there any more when a pod began."),
    ] = ()


class RequeueState(Model):
    """That a job gave a place back, as no pod of it could run; as Kueue's requeueState."""

    count: Annotated[Count, Field(description="How often it did.")]
    requeue_at: Annotated[
        datetime,
        Field(description="Until when it stands behind all others; its turn counts from then on."),
    ]
    message: Annotated[
        str, Field(description="Why, in the words of the scheduler, the API server or the kubelet.")
    ] = ""
    blocked_since: Annotated[
        datetime | None,
        Field(
            description=(
                "Since when nodes that have a pod of it cannot start it, the time that it stood "
                "behind others included: the queue's startDeadlineSeconds count from then on."
            )
        ),
    ] = None


class JobStatus(Status):
    """What is."""

    state: Annotated[JobState | None, Field(description="Where the job is, in one word.")] = None
    reason: Annotated[str | None, Field(description="Why, in one word.")] = None
    message: Annotated[str | None, Field(description="Why, in one sentence.")] = None
    queue: Annotated[str | None, Field(description="The queue the job runs on.")] = None
    flavor: Annotated[
        str | None, Field(description="The queue's flavor that the job is for, or runs in.")
    ] = None
    requeue_state: Annotated[
        RequeueState | None,
        Field(
            description="That it gave its place in the queue back, after placementTimeoutSeconds."
        ),
    ] = None
    mlflow_run_id: Annotated[str | None, Field(description="ID of the job's MLflow run.")] = None
    workflow: Annotated[
        WorkflowStatus | None,
        Field(
            description=(
                "The code that the job was accepted with, which never changes; unset until its "
                "experiment is known."
            )
        ),
    ] = None
    datasets: Annotated[
        tuple[Dataset, ...],
        Field(
            description="The data that the job was accepted with.", json_schema_extra=map_of("name")
        ),
    ] = ()
    parameters: Annotated[
        tuple[ParameterValue, ...],
        Field(
            description="Values that the entry point gets, as far as they are known.",
            json_schema_extra=map_of("name"),
        ),
    ] = ()
    outputs: Annotated[dict[str, str], Field(description="What the job gives to others.")] = {}
    dependencies: Annotated[
        tuple[DependencyStatus, ...],
        Field(description="What is known of each dependency.", json_schema_extra=map_of("name")),
    ] = ()
    root_cause: Annotated[
        RootCause | None, Field(description="What failed first, here or further up.")
    ] = None
    attempts: Annotated[
        tuple[Attempt, ...],
        Limits(maxItems=MAX_ATTEMPTS, **map_of("pod")),
        Field(
            description=(
                "The pods that ran, one an attempt and in their order, the first few and the last "
                "few; of several replicas, those of the first."
            ),
        ),
    ] = ()
    attempt_count: Annotated[
        Count, Field(description="How many there were, those left out of attempts included.")
    ] = 0
    retries: Annotated[
        Retries | None,
        Field(description="How often it was begun anew, as its pods were stopped or never ran."),
    ] = None
    pod_template_hash: Annotated[
        str | None,
        Field(
            description=(
                "What podTemplate and podFailurePolicy were when the job was accepted: a job is "
                "not run with others."
            )
        ),
    ] = None
    start_time: Annotated[datetime | None, Field(description="When a pod first ran.")] = None
    completion_time: Annotated[datetime | None, Field(description="When the job ended.")] = None

    @property
    def ended(self) -> bool:
        """Whether the job has come to its end."""
        return self.state is not None and self.state.ended

    @property
    def over(self) -> bool:
        """Whether the job has ended and MLflow knows: no change elsewhere concerns it any more."""
        return self.ended and (self.condition(JobCondition.TRACKED) is None or self.tracked)

    @property
    def tracked(self) -> bool:
        """Whether MLflow is known to have all that it is to have, or to have lost the run."""
        told = self.condition(JobCondition.TRACKED)
        return told is not None and (told.status == "True" or told.reason == Reason.RUN_GONE)
