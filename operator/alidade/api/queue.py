"""Queue: a pool of nodes, and how many jobs may run there at a time."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from alidade.api.base import (
    Column,
    Conditions,
    Definition,
    DnsLabel,
    DnsSubdomain,
    Model,
    Resource,
    map_of,
    rules,
)

QUANTITY = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
DEFAULT_START_DEADLINE_SECONDS = 600
DEFAULT_FALLBACK_SECONDS = 60
MAX_FLAVORS = 16


class StopPolicy(StrEnum):
    """Kueue's words for a queue that is held."""

    NONE = "None"
    HOLD = "Hold"
    HOLD_AND_DRAIN = "HoldAndDrain"


class Toleration(Model):
    """A core/v1 Toleration."""

    key: str | None = None
    operator: Annotated[str | None, Field(json_schema_extra={"enum": ["Exists", "Equal"]})] = None
    value: str | None = None
    effect: Annotated[
        str | None,
        Field(json_schema_extra={"enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]}),
    ] = None
    toleration_seconds: int | None = None


Quantity = Annotated[
    str | int,
    Field(json_schema_extra={"x-kubernetes-int-or-string": True, "pattern": QUANTITY}),
]


class Resources(Model):
    """A core/v1 ResourceRequirements."""

    requests: dict[str, Quantity] | None = None
    limits: dict[str, Quantity] | None = None


class Flavor(Model):
    """One of several pools of nodes; Kueue's word for a kind of resource."""

    name: DnsLabel
    node_selector: Annotated[
        dict[str, str], Field(description="Labels of its nodes, beside the queue's.")
    ] = {}
    tolerations: Annotated[
        tuple[Toleration, ...],
        Field(
            description="Taints that its jobs tolerate, beside the queue's.",
            max_length=64,
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = ()
    resources: Annotated[
        Resources | None, Field(description="Requests and limits instead of the queue's.")
    ] = None
    fallback_after_seconds: Annotated[
        int,
        Field(
            description=(
                "Seconds after which a job for which no node is found is tried in the next flavor; "
                "in the last one it waits."
            ),
            ge=1,
        ),
    ] = DEFAULT_FALLBACK_SECONDS


class QueueSpec(Model):
    """What is wanted."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.kueueLocalQueue) || !has(self.maxRunning)",
                "maxRunning cannot go with kueueLocalQueue: the quota is that of Kueue's "
                "ClusterQueue",
            ),
            (
                "!has(self.kueueLocalQueue) || !has(self.flavors) || size(self.flavors) == 0",
                "flavors cannot go with kueueLocalQueue: Kueue has its own, ResourceFlavors",
            ),
        )
    )

    node_selector: Annotated[
        dict[str, str], Field(description="Labels of the nodes of the pool.")
    ] = {}
    tolerations: Annotated[
        tuple[Toleration, ...],
        Field(
            description="Taints of the pool that its jobs tolerate.",
            max_length=64,
            json_schema_extra={"x-kubernetes-list-type": "atomic"},
        ),
    ] = ()
    resources: Annotated[
        Resources, Field(description="Requests and limits of each job's container.")
    ] = Resources()
    flavors: Annotated[
        tuple[Flavor, ...],
        Field(
            description="Pools in the order in which they are tried; none: the queue is one pool.",
            max_length=MAX_FLAVORS,
            json_schema_extra=map_of("name"),
        ),
    ] = ()
    max_running: Annotated[
        int | None,
        Field(description="Jobs that may run at a time; without it the scheduler decides.", ge=0),
    ] = None
    stop_policy: Annotated[
        StopPolicy,
        Field(
            description="Hold starts no more jobs; HoldAndDrain also suspends those that run.",
        ),
    ] = StopPolicy.NONE
    kueue_local_queue: Annotated[
        DnsSubdomain | None,
        Field(
            description=(
                "Kueue's LocalQueue that admits the jobs, once they may run; without it the "
                "scheduler decides."
            )
        ),
    ] = None
    start_deadline_seconds: Annotated[
        int,
        Field(
            description=(
                "Seconds after which a job ends as Failed whose pod cannot start because of its "
                "image or its configuration."
            ),
            ge=1,
        ),
    ] = DEFAULT_START_DEADLINE_SECONDS


class QueueStatus(Model):
    """What is."""

    queued: Annotated[int, Field(description="Jobs that only wait for their turn.")] = 0
    running: Annotated[int, Field(description="Jobs that hold a place.")] = 0
    conditions: Conditions = ()
    observed_generation: int | None = None


class Queue(Resource):
    """A pool of nodes that jobs are sent to."""

    definition: ClassVar = Definition(
        kind="Queue",
        plural="queues",
        singular="queue",
        short_names=("aq",),
        columns=(
            Column("Max running", ".spec.maxRunning", "integer"),
            Column("Running", ".status.running", "integer"),
            Column("Queued", ".status.queued", "integer"),
            Column("Stop policy", ".spec.stopPolicy"),
            Column("Local queue", ".spec.kueueLocalQueue", priority=1),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
    )

    spec: QueueSpec = QueueSpec()
    status: QueueStatus = QueueStatus()
