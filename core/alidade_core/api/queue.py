"""Queue: a pool of nodes, and how many jobs may run there at a time."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from alidade_core.api.base import (
    MAX_SECONDS,
    REFERABLE,
    Column,
    Count,
    Definition,
    DnsLabel,
    DnsSubdomain,
    Limits,
    Model,
    Resource,
    Rule,
    Seconds,
    Status,
    map_of,
    rules,
)

# Of the exponents those that any node could have use for.
QUANTITY = (
    r"^\+?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?[0-9]{1,2}))?$"
)
DEFAULT_START_DEADLINE_SECONDS = 600
DEFAULT_FALLBACK_SECONDS = 60
DEFAULT_PLACEMENT_SECONDS = 60
MAX_FLAVORS = 16
MAX_RUNNING = 100_000


class StopPolicy(StrEnum):
    """Kueue's words for a queue that is held."""

    NONE = "None"
    HOLD = "Hold"
    HOLD_AND_DRAIN = "HoldAndDrain"


class Override(StrEnum):
    """What a job may have otherwise than its queue."""

    NODES = "Nodes"
    TOLERATIONS = "Tolerations"
    EXTENDED_RESOURCES = "ExtendedResources"
    CPU = "CPU"
    MEMORY = "Memory"


_PREFIX = r"([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?"
_QUALIFIED = f"{_PREFIX}([A-Za-z0-9]|[A-Za-z0-9][-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])"
QUALIFIED_NAME = f"^{_QUALIFIED}$"
LABEL_VALUE = "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"

LabelKey = Annotated[str, Limits(maxLength=317, pattern=f"^({_QUALIFIED})?$")]
LabelValue = Annotated[str, Limits(maxLength=63, pattern=LABEL_VALUE)]
NodeSelector = Annotated[
    dict[str, LabelValue],
    Limits(
        maxProperties=64,
        **rules(
            Rule(
                f"self.all(key, key.matches('{QUALIFIED_NAME}'))",
                "nodeSelector has a key that is none of a label: letters, digits, '-', '_' and "
                "'.', 63 characters at most, after an optional DNS name and '/'",
            )
        ),
    ),
]


class Toleration(Model):
    """A core/v1 Toleration."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "(has(self.key) && self.key != '') || "
                "(has(self.operator) && self.operator == 'Exists')",
                "a toleration without a key is one of all taints, and has the operator Exists",
            ),
            Rule(
                "!has(self.value) || self.value == '' || !has(self.operator) || "
                "self.operator != 'Exists'",
                "a toleration with the operator Exists has no value",
            ),
            Rule(
                "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
                "tolerationSeconds go with the effect NoExecute alone",
            ),
        )
    )

    key: LabelKey | None = None
    operator: Annotated[str | None, Field(json_schema_extra={"enum": ["Exists", "Equal"]})] = None
    value: LabelValue | None = None
    effect: Annotated[
        str | None,
        Field(json_schema_extra={"enum": ["NoSchedule", "PreferNoSchedule", "NoExecute"]}),
    ] = None
    toleration_seconds: Annotated[int, Limits(minimum=0, maximum=MAX_SECONDS)] | None = None


Tolerations = Annotated[
    tuple[Toleration, ...], Limits(maxItems=64, **{"x-kubernetes-list-type": "atomic"})
]
Quantity = Annotated[
    str | int,
    Limits(
        pattern=QUANTITY,
        maxLength=32,
        minimum=0,
        maximum=2**53 - 1,
        **{"x-kubernetes-int-or-string": True},
    ),
]
Quantities = Annotated[dict[str, Quantity], Limits(maxProperties=32)]


def _amount(kind: str) -> str:
    return f"quantity(string(self.{kind}[name]))"


_COMMON = "['cpu', 'memory', 'ephemeral-storage']"


class Resources(Model):
    """A core/v1 ResourceRequirements."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "!has(self.requests) || !has(self.limits) || self.requests.all(name, "
                f"!(name in self.limits) || {_amount('requests')}.compareTo("
                f"{_amount('limits')}) <= 0)",
                "requests must be no more than limits",
            ),
            *(
                Rule(
                    f"!has(self.{kind}) || self.{kind}.all(name, name in {_COMMON} || "
                    f"(name.matches('{QUALIFIED_NAME}') && (name.contains('/') || "
                    "name.startsWith('hugepages-'))))",
                    f"{kind} has a resource that there is none of: cpu, memory, ephemeral-storage, "
                    "hugepages-SIZE, or one with a domain, as nvidia.com/gpu",
                )
                for kind in ("requests", "limits")
            ),
            Rule(
                "!has(self.requests) || self.requests.all(name, name in "
                f"{_COMMON} || (has(self.limits) && name in self.limits && "
                f"{_amount('requests')}.compareTo({_amount('limits')}) == 0))",
                "requests of what is counted, as GPUs are, must equal limits, which alone will do",
            ),
            Rule(
                "!has(self.limits) || self.limits.all(name, !name.contains('/') || "
                f"{_amount('limits')}.isInteger())",
                "limits of what is counted, as GPUs are, must be whole numbers",
            ),
        )
    )

    requests: Quantities | None = None
    limits: Quantities | None = None


class Flavor(Model):
    """One of several pools of nodes; Kueue's word for a kind of resource."""

    name: DnsLabel
    node_selector: Annotated[
        NodeSelector, Field(description="Labels of its nodes, beside the queue's.")
    ] = {}
    tolerations: Annotated[
        Tolerations, Field(description="Taints that its jobs tolerate, beside the queue's.")
    ] = ()
    resources: Annotated[
        Resources | None, Field(description="Requests and limits instead of the queue's.")
    ] = None
    fallback_after_seconds: Annotated[
        Seconds,
        Field(
            description=(
                "Seconds after which a job of which no pod can be placed is tried in the next "
                "flavor; in the last one it waits, or gives its place back after "
                "placementTimeoutSeconds."
            )
        ),
    ] = DEFAULT_FALLBACK_SECONDS


class QueueSpec(Model):
    """What is wanted."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "!has(self.kueueLocalQueue) || !has(self.maxRunning)",
                "maxRunning cannot go with kueueLocalQueue: the quota is that of Kueue's "
                "ClusterQueue",
            ),
            Rule(
                "!has(self.kueueLocalQueue) || !has(self.flavors) || size(self.flavors) == 0",
                "flavors cannot go with kueueLocalQueue: Kueue has its own, ResourceFlavors",
            ),
        )
    )

    node_selector: Annotated[
        NodeSelector, Field(description="Labels of the nodes of the pool.")
    ] = {}
    tolerations: Annotated[
        Tolerations, Field(description="Taints of the pool that its jobs tolerate.")
    ] = ()
    resources: Annotated[
        Resources, Field(description="Requests and limits of each job's container.")
    ] = Resources()
    flavors: Annotated[
        tuple[Flavor, ...],
        Limits(maxItems=MAX_FLAVORS, **map_of("name")),
        Field(
            description="Pools in the order in which they are tried; none: the queue is one pool."
        ),
    ] = ()
    max_running: Annotated[
        Annotated[int, Limits(minimum=0, maximum=MAX_RUNNING)] | None,
        Field(
            description=(
                "Jobs that may run at a time, each as long as a pod of it has not ended; without "
                "it the scheduler decides."
            )
        ),
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
        Seconds,
        Field(
            description=(
                "Seconds after which a job ends as Failed whose pod cannot start because of its "
                "image or its configuration."
            )
        ),
    ] = DEFAULT_START_DEADLINE_SECONDS
    placement_timeout_seconds: Annotated[
        Seconds,
        Field(
            description=(
                "Seconds after which a job of which no pod can be placed, in the last flavor if "
                "there are several, or none be started where it is placed, gives its place back to "
                "those that wait behind it, and asks again; of no effect with kueueLocalQueue, "
                "whose ClusterQueue decides."
            )
        ),
    ] = DEFAULT_PLACEMENT_SECONDS
    jobs_may_override: Annotated[
        tuple[Override, ...],
        Limits(maxItems=len(Override), **{"x-kubernetes-list-type": "set"}),
        Field(
            description=(
                "What a job's podTemplate may have otherwise than the queue; of the rest the queue "
                "wins. Nodes: nodeSelector, where the two name the same label, nodeName and "
                "schedulerName. "
                "Tolerations: tolerations, and runtimeClassName, whose RuntimeClass adds its own. "
                "ExtendedResources: all resources but CPU, memory and ephemeral-storage, of any "
                "container and of the pod, and resourceClaims. CPU and Memory: requests and limits "
                "above the queue's. Affinities and spread constraints only narrow the choice of "
                "nodes, and are always taken."
            )
        ),
    ] = (Override.CPU, Override.MEMORY)


class QueueStatus(Status):
    """What is."""

    queued: Annotated[Count, Field(description="Jobs that only wait for their turn.")] = 0
    running: Annotated[
        Count,
        Field(description="Jobs that hold a place: those that may run, or have pods that do."),
    ] = 0


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
        rules=(REFERABLE,),
    )

    spec: QueueSpec = QueueSpec()
    status: QueueStatus = QueueStatus()
