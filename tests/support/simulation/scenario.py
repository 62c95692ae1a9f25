"""A scenario, and what has to come of it whatever the order of things."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from alidade_core.api.job import Dependency, DependencyCondition, OnUnsatisfied
from alidade_core.api.job_status import ENDS, JobState
from alidade_operator.kube.gateway import Body
from tests.support.builders import job_body
from tests.support.simulation.cluster import INTERRUPTED, Fate


@dataclass(frozen=True)
class Task:
    """A job of a scenario.

    Attributes:
        name: Its name.
        depends_on: What it depends on.
        fates: What becomes of its attempts; the last one's is that of all further ones.
        takes: A dependency whose output is a parameter of it.
        typed: A value that is typed into its spec, for a parameter.
        spec: Other fields of its spec.
        homeless: Whether no node ever takes a pod of it.
    """

    name: str
    depends_on: tuple[Dependency, ...] = ()
    fates: tuple[Fate, ...] = (Fate.WELL,)
    takes: str | None = None
    typed: str | None = None
    spec: Mapping[str, Any] = field(default_factory=dict)
    homeless: bool = False

    def body(self) -> Body:
        source = {"job": self.takes, "output": "model"}
        given = {name: value for name, value in self.spec.items() if value is not None}
        taken = [{"name": "model", "valueFrom": source}] if self.takes else []
        typed = [] if self.typed is None else [{"name": "typed", "value": self.typed}]
        parameters = [*taken, *typed]
        return job_body(self.name, depends_on=self.depends_on, parameters=parameters, **given)

    @property
    def values(self) -> dict[str, str]:
        """What its pods are to be told."""
        taken = {"model": f"{self.takes}-model"} if self.takes else {}
        return taken | ({} if self.typed is None else {"typed": self.typed})


What = Literal[
    "hold",
    "drain",
    "widen",
    "move",
    "withdraw",
    "suspend",
    "cancel",
    "delete",
    "snatch",
    "redo",
    "unlabel",
    "relabel",
    "disown",
    "halt",
    "narrow",
    "age",
    "clear",
    "empty",
    "restore",
    "outage",
]


@dataclass(frozen=True)
class Deed:
    """Something that the user does to an object at some time, and some time later takes back."""

    what: What
    name: str
    at: float
    seconds: float


@dataclass(frozen=True)
class Scenario:
    """All that is decided beforehand.

    Attributes:
        tasks: The jobs.
        order: The names of all objects, in the order in which the user creates them.
        limits: The queues' maxRunning.
        kueue: The queues whose jobs Kueue admits; these have no maxRunning.
        nodes_after: From when on there is a node for the pods of jobs for which there is none yet.
        odd: Whether what is said and typed is text of any kind.
        placement_timeout: The queues' placementTimeoutSeconds.
        most_batch_jobs: How many batch/v1 Jobs a quota allows in a namespace, None where there is
            none.
        crowded: The queues of which no node is free but in their second flavor.
        deeds: What the user does beside.
        deaths: Numbers of the requests after which the operator dies, and starts anew.
        seed: Decides on all times, mishaps and turns.
        mishaps: The share of requests and of news that go astray.
        workers: How many keys the operator works on at a time.
        tracking: The experiment's.
        restore: When the API server's store is backed up, and how many seconds later it is restored
            from that; None where it is not.
        ahead: By how many seconds the API server's clock is ahead of the operator's.
        nodes_ahead: By how many those of the nodes are.
        ends: When a second namespace, where all of this is once more, is deleted; None where there
            is none.
        pauses: When the operator that leads is stopped as a process, and for how many seconds.
    """

    tasks: tuple[Task, ...]
    order: tuple[str, ...]
    limits: Mapping[str, int | None]
    kueue: frozenset[str] = frozenset()
    most_batch_jobs: int | None = None
    crowded: frozenset[str] = frozenset()
    nodes_after: Mapping[str, float] = field(default_factory=dict)
    odd: bool = False
    placement_timeout: int = 60
    deeds: tuple[Deed, ...] = ()
    deaths: frozenset[int] = frozenset()
    seed: int = 0
    mishaps: float = 0.0
    workers: int = 2
    tracking: Literal["MLflow", "None"] = "MLflow"
    restore: tuple[float, float] | None = None
    ahead: float = 0.0
    nodes_ahead: tuple[float, ...] = (0.0,)
    ends: float | None = None
    pauses: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a job: where it is in the end, and whether a pod of it ever ran."""

    state: JobState | None
    ran: bool


WAITS = Outcome(JobState.WAITING, ran=False)
STANDS_BY = Outcome(JobState.QUEUED, ran=False)


def foretell(task: Task, others: Mapping[str, Outcome]) -> Outcome:
    """Say what becomes of a job, given what became of those that it depends on."""
    verdicts = [(d, _meets(d.condition, others.get(d.name, WAITS))) for d in task.depends_on]
    unmet = {d.on_unsatisfied for d, verdict in verdicts if verdict is False}
    undecided = {d.on_unsatisfied for d, verdict in verdicts if verdict is None}
    if OnUnsatisfied.FAIL in unmet:
        return Outcome(JobState.FAILED, ran=False)
    if unmet and OnUnsatisfied.FAIL not in undecided:
        return Outcome(JobState.SKIPPED, ran=False)
    if undecided:
        return WAITS
    if task.takes and others[task.takes].state is not JobState.FINISHED:
        return Outcome(JobState.FAILED, ran=False)
    return STANDS_BY if task.homeless else _attempt(task)


def foretell_all(
    tasks: Sequence[Task], known: Mapping[str, Outcome] = MappingProxyType({})
) -> dict[str, Outcome]:
    """Say what becomes of jobs; those in a circle, and those that wait for them, wait for ever.

    Args:
        tasks: The jobs.
        known: What became of some of them, where that cannot be foretold.
    """
    outcomes = {task.name: WAITS for task in tasks}
    while True:
        told = {task.name: foretell(task, outcomes) for task in tasks} | dict(known)
        if told == outcomes:
            return outcomes
        outcomes = told


def _meets(condition: DependencyCondition, outcome: Outcome) -> bool | None:
    if condition is DependencyCondition.STARTED and outcome.ran:
        return True
    if outcome.state not in ENDS:
        return None
    return {
        DependencyCondition.COMPLETE: outcome.state is JobState.FINISHED,
        DependencyCondition.FAILED: outcome.state is JobState.FAILED,
        DependencyCondition.ENDED: True,
        DependencyCondition.STARTED: False,
    }[condition]


def _attempt(task: Task) -> Outcome:
    failures, allowed = 0, task.spec.get("backoffLimit", 0)
    for number in range(len(task.fates) + allowed + 1):
        fate = task.fates[min(number, len(task.fates) - 1)]
        if fate is Fate.STUCK:
            before = (task.fates[min(n, len(task.fates) - 1)] for n in range(number))
            return Outcome(JobState.FAILED, ran=any(f is not Fate.REJECTED for f in before))
        if fate is Fate.WELL:
            return Outcome(JobState.FINISHED, ran=True)
        failures += fate not in INTERRUPTED
        if failures > allowed:
            return Outcome(JobState.FAILED, ran=True)
    raise ValueError(f"{task.name} is attempted for ever")
