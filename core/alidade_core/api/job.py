"""Job: one entry point run once, what it depends on, and what became of it."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field

from alidade_core.api.base import (
    MAX_SECONDS,
    Column,
    Definition,
    DnsSubdomain,
    ImageReference,
    Limits,
    Model,
    Resource,
    Rule,
    Seconds,
    fixed,
    map_of,
)
from alidade_core.api.base import rules as cel
from alidade_core.api.dataset import Datasets
from alidade_core.api.job_status import JobState, JobStatus
from alidade_core.api.parameter import ESCAPED, MAX_ENCODED, Parameter
from alidade_core.api.pod_template import POD_TEMPLATE
from alidade_core.api.workflow import JobWorkflow

MAX_ITEMS = 64
MAX_BACKOFF_LIMIT = 1000


class DependencyCondition(StrEnum):
    """What has to be true of a dependency before its dependents may run."""

    COMPLETE = "Complete"
    FAILED = "Failed"
    ENDED = "Ended"
    STARTED = "Started"


# What Ended was called; it is read of jobs that were stored then, and taken of no other.
_ENDED_BEFORE = "Finished"


def _read_condition(word: object) -> object:
    return DependencyCondition.ENDED if word == _ENDED_BEFORE else word


class OnUnsatisfied(StrEnum):
    """What becomes of a job whose dependency's condition can no longer hold."""

    SKIP = "Skip"
    FAIL = "Fail"


class Dependency(Model):
    """Another job of the namespace that has to come first."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            Rule(
                f"self.condition != '{_ENDED_BEFORE}'",
                "condition must be Ended, which holds after any end, or Complete, which holds "
                f"after a good one; {_ENDED_BEFORE} could be taken for either",
                new_only=True,
                field=".condition",
            )
        )
    )

    name: DnsSubdomain
    condition: Annotated[
        DependencyCondition,
        BeforeValidator(_read_condition),
        Limits(enum=[*(str(c) for c in DependencyCondition), _ENDED_BEFORE]),
        Field(
            description=(
                "Complete: it ended well. Failed: it failed. Ended: it ended, however. "
                "Started: a pod of it has run. (Finished is Ended in jobs of before, and refused "
                "in new ones.)"
            )
        ),
    ] = DependencyCondition.COMPLETE
    on_unsatisfied: Annotated[
        OnUnsatisfied,
        Field(description="How this job ends when the condition can no longer hold."),
    ] = OnUnsatisfied.SKIP


# How long a value is as JSON.
_DOUBLED = "".join(f""".replace('{c}', "xx")""" for c in ESCAPED)
_ENCODED = f"has(p.value) ? size(bytes(p.value{_DOUBLED})) : 0"


def _describe_spec(schema: dict[str, Any]) -> None:
    # A rule a field, so that the message can name the field.
    frozen = [
        fixed(name, "a job is the record of a measurement; create another job")
        for name in schema["properties"]
        if name not in {"suspend", "cancel"}
    ]
    schema |= cel(
        *frozen,
        Rule(
            "!has(oldSelf.cancel) || !oldSelf.cancel || (has(self.cancel) && self.cancel)",
            "cancel cannot be taken back",
            field=".cancel",
        ),
        Rule(
            "!has(self.parameters) || self.parameters.all(p, !has(p.valueFrom) || "
            "(has(self.dependsOn) && self.dependsOn.exists(d, d.name == p.valueFrom.job)))",
            "valueFrom.job must be one of dependsOn",
            field=".parameters",
        ),
        Rule(
            f"!has(self.parameters) || self.parameters.map(p, {_ENCODED}).sum() <= {MAX_ENCODED}",
            f"parameters: the values of a job must be no more than {MAX_ENCODED} bytes together; "
            "quotes, backslashes, tabs and line breaks count twice",
            new_only=True,
            field=".parameters",
        ),
    )


class JobSpec(Model):
    """What is wanted. All but suspend and cancel is fixed: a job is the record of a measurement."""

    model_config = ConfigDict(json_schema_extra=_describe_spec)

    experiment: Annotated[
        DnsSubdomain, Field(description="The Experiment that the job is part of.")
    ]
    queue: Annotated[
        DnsSubdomain | None,
        Field(description="The Queue that the job runs on; default: the experiment's."),
    ] = None
    entry_point: Annotated[
        str,
        Limits(maxLength=128, pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$"),
        Field(description="Entry point of the workflow's MLproject."),
    ] = "main"
    parameters: Annotated[
        tuple[Parameter, ...],
        Limits(maxItems=MAX_ITEMS, **map_of("name")),
        Field(description="Parameters of the entry point; others keep their defaults."),
    ] = ()
    depends_on: Annotated[
        tuple[Dependency, ...],
        Limits(maxItems=MAX_ITEMS, **map_of("name")),
        Field(description="Jobs that come first, in any graph without a cycle."),
    ] = ()
    image: Annotated[
        ImageReference | None,
        Field(description="Image of the job; default: the experiment's workflow.image."),
    ] = None
    workflow: Annotated[
        JobWorkflow | None,
        Field(description="Code of the job; default: the experiment's, as it is at that time."),
    ] = None
    datasets: Annotated[
        Datasets,
        Field(description="Data that the job finds in /data, beside the experiment's."),
    ] = ()
    pod_template: Annotated[
        dict[str, Any] | None,
        Field(
            description=(
                "A core/v1 PodTemplateSpec that is merged into the generated one; its container "
                "`worker` is the job's own. What of the queue it may have otherwise says the "
                "queue's jobsMayOverride."
            ),
            json_schema_extra=POD_TEMPLATE,
        ),
    ] = None
    suspend: Annotated[
        bool, Field(description="Whether the job is held, or stopped if it runs.")
    ] = False
    cancel: Annotated[
        bool, Field(description="Ends the job as Cancelled; cannot be taken back.")
    ] = False
    priority: Annotated[
        int,
        Limits(minimum=-1000, maximum=1000),
        Field(description="Jobs of a higher priority leave the queue first."),
    ] = 0
    replicas: Annotated[
        int,
        Limits(minimum=1, maximum=64),
        Field(
            description=(
                "Pods that run the job together, each told by TF_CONFIG where the others are; "
                "the first of them reports to the MLflow run and gives the outputs."
            )
        ),
    ] = 1
    priority_class_name: Annotated[
        Annotated[str, Limits(maxLength=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")] | None,
        Field(
            description=(
                "PriorityClass of the pods, by which the scheduler prefers and preempts; it does "
                "not change the order within the queue, which is priority's."
            )
        ),
    ] = None
    backoff_limit: Annotated[
        int,
        Limits(minimum=0, maximum=MAX_BACKOFF_LIMIT),
        Field(
            description=(
                "Retries after the workflow's own failures (batch/v1); lost nodes and evictions "
                "are always retried and do not count."
            )
        ),
    ] = 0
    pod_failure_policy: Annotated[
        dict[str, Any] | None,
        Field(
            description="A batch/v1 PodFailurePolicy instead of the default one.",
            json_schema_extra={"x-kubernetes-preserve-unknown-fields": True},
        ),
    ] = None
    active_deadline_seconds: Annotated[
        Seconds | None, Field(description="Seconds after which a started job fails (batch/v1).")
    ] = None
    ttl_seconds_after_finished: Annotated[
        Annotated[int, Limits(minimum=0, maximum=MAX_SECONDS)] | None,
        Field(description="Seconds after its end when the job is deleted; its MLflow run is kept."),
    ] = None


# A Service's name is an RFC 1035 label, a pod's host name one of RFC 1123.
_ALONE = "!has(self.spec.replicas) || self.spec.replicas == 1"


class Job(Resource):
    """One run of an entry point."""

    definition: ClassVar = Definition(
        kind="Job",
        plural="jobs",
        singular="job",
        short_names=("ajob", "ajobs"),
        columns=(
            Column("State", ".status.state"),
            Column("Experiment", ".spec.experiment"),
            Column("Entry point", ".spec.entryPoint"),
            Column("Queue", ".status.queue"),
            Column("MLflow run", ".status.mlflowRunId"),
            Column("Reason", ".status.reason"),
            Column("Age", ".metadata.creationTimestamp", "date"),
            Column("Message", ".status.message", priority=1),
        ),
        rules=(
            Rule(
                "size(self.metadata.name) <= 63", "metadata.name must be no more than 63 characters"
            ),
            Rule(
                f"{_ALONE} || size(self.metadata.name) <= 60",
                "with replicas, metadata.name must be no more than 60 characters: "
                "its pods' host names are it and -0 to -63",
                field=".spec.replicas",
            ),
            Rule(
                f"{_ALONE} || self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
                "with replicas, metadata.name must start with a letter and have letters, digits "
                "and hyphens only: it names a Service",
                field=".spec.replicas",
            ),
            Rule(
                "!has(self.spec.dependsOn) || "
                "!self.spec.dependsOn.exists(d, d.name == self.metadata.name)",
                "a job cannot depend on itself",
                field=".spec.dependsOn",
            ),
        ),
    )

    spec: JobSpec
    status: JobStatus = JobStatus()

    @property
    def failures_left(self) -> int:
        """How many pods may yet fail by themselves and be tried again."""
        retries = self.status.retries
        return max(self.spec.backoff_limit - (retries.failures if retries else 0), 0)

    @property
    def failed_by_itself(self) -> bool:
        """Whether the job failed, and not for the sake of one that it depends on."""
        cause = self.status.root_cause
        failed = self.status.state is JobState.FAILED
        return failed and cause is not None and cause.job == self.metadata.name
