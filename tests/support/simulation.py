"""Alidade's own engine in a simulated world, and what has to hold there at every moment.

One scenario is a set of jobs, what becomes of each of their attempts, what a user does, and after
which of its requests the operator dies and starts anew with nothing in its memory.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from alidade.api.job import (
    ENDS,
    Dependency,
    DependencyCondition,
    Job,
    JobState,
    OnUnsatisfied,
)
from alidade.domain.mlflow_run import RUN_ENDS, UID_TAG
from alidade.domain.observed import JOB_LABEL, PARAMETERS, QUEUE_LABEL, RUN_ID
from alidade.kube.gateway import BATCH_JOBS, EXPERIMENTS, JOBS, PODS, QUEUES, Body, Kind
from alidade.runtime.engine import Engine
from alidade.runtime.settings import Settings
from alidade.tracking.tracking import TrackingError
from tests.support.builders import experiment_body, job_body, queue_body
from tests.support.simulated_cluster import (
    CALM_AFTER_SECONDS,
    KINDS,
    ApiServer,
    Chance,
    Cluster,
    Fate,
    UnreliableGateway,
    clock,
    ended,
)
from tests.support.virtual_time import now, run

# Longer than any party waits before it acts, its start deadline and a resync among them.
QUIET_SECONDS = 1000.0
MAX_SECONDS = 20 * 3600.0


@dataclass(frozen=True)
class Task:
    """A job of a scenario."""

    name: str
    depends_on: tuple[Dependency, ...] = ()
    fates: tuple[Fate, ...] = (Fate.WELL,)
    takes: str | None = None
    spec: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> Body:
        source = {"job": self.takes, "output": "model"}
        taken = [{"name": "model", "valueFrom": source}] if self.takes else []
        return job_body(
            self.name, depends_on=self.depends_on, parameters=taken, **dict(self.spec)
        )


@dataclass(frozen=True)
class Deed:
    """Something that the user does at some time, and takes back some time later."""

    what: str
    name: str
    at: float
    until: float


@dataclass(frozen=True)
class Scenario:
    """All that is decided beforehand.

    Attributes:
        tasks: The jobs.
        order: The names of all objects in the order in which the user creates them.
        limits: The queues' maxRunning.
        deeds: What the user does beside.
        deaths: Numbers of the requests after which the operator dies.
        seed: Decides on all times, mishaps and turns.
        mishaps: The share of requests and of news that go astray.
        workers: How many jobs the operator looks after at a time.
        tracking: The experiment's.
    """

    tasks: tuple[Task, ...]
    order: tuple[str, ...]
    limits: Mapping[str, int | None]
    deeds: tuple[Deed, ...] = ()
    deaths: frozenset[int] = frozenset()
    seed: int = 0
    mishaps: float = 0.0
    workers: int = 2
    tracking: str = "MLflow"


@dataclass(frozen=True)
class Outcome:
    """What a job came to."""

    state: JobState | None
    ran: bool


class Mlflow:
    """A tracking server, as unreliable as the rest."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self.runs: dict[str, str] = {}
        self.owners: dict[str, str] = {}

    async def ensure_experiment(self, name: str) -> str:
        await self._way()
        return f"experiment-{name}"

    async def ensure_run(
        self, experiment_id: str, name: str, tags: dict[str, str], *, search: bool
    ) -> str:
        await self._way()
        uid = tags[UID_TAG]
        run_id = next((r for r, owner in self.owners.items() if search and owner == uid), None)
        if run_id is None:
            run_id = f"run-{len(self.runs)}"
            self.runs[run_id] = "SCHEDULED"
            self.owners[run_id] = uid
        await self._way()
        return run_id

    async def end_run(self, run_id: str, end: str, tags: dict[str, str]) -> None:
        await self._way()
        self.runs[run_id] = end
        await self._way()

    async def _way(self) -> None:
        await self._chance.pause()
        if self._chance.mishap():
            raise TrackingError("connection refused", unreachable=True)


class World:
    """A scenario under way, and the ground truth about it."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.chance = Chance(scenario.seed, scenario.mishaps)
        self.tasks = {task.name: task for task in scenario.tasks}
        self.server = ApiServer(self._observe)
        self.mlflow = Mlflow(self.chance)
        self.cluster = Cluster(self.server, self.chance, self._fate, self._work)
        self.ran: set[str] = set()
        self.completed: set[str] = set()
        self.jobs: dict[str, Job] = {}
        self.released: set[str] = set()
        self.violations: list[str] = []

    def expect(self, condition: bool, otherwise: str) -> None:
        # Raised here it would be the operator's to handle.
        if not condition:
            self.violations.append(otherwise)

    def _fate(self, name: str, attempt: int) -> Fate:
        fates = self.tasks[name].fates
        return fates[min(attempt, len(fates) - 1)]

    def _work(self, pod: Body, fate: Fate | None) -> None:
        """What the worker in a pod does to its MLflow run; one that is killed does nothing."""
        name = pod["metadata"]["labels"][JOB_LABEL]
        self.ran.add(name)
        run_id = pod["metadata"]["annotations"][RUN_ID]
        if not run_id:
            return
        self.expect(self.mlflow.runs[run_id] != "KILLED", f"{name} reports to a closed run")
        words = {None: "RUNNING", Fate.WELL: "FINISHED", Fate.BADLY: "FAILED"}
        if fate in words:
            self.mlflow.runs[run_id] = words[fate]

    # What has to hold at every moment.

    def _observe(self, kind: Kind, old: Body | None, new: Body | None) -> None:
        if kind == JOBS and new is not None:
            self._check_end(old, Job.model_validate(new))
        if kind == BATCH_JOBS and new is not None:
            name = new["metadata"]["name"]
            if any(c["type"] == "Complete" for c in new["status"].get("conditions", ())):
                self.completed.add(name)
            if not new["spec"]["suspend"] and (old is None or old["spec"]["suspend"]):
                self._check_release(name, new)

    def _check_end(self, old: Body | None, job: Job) -> None:
        name, status = job.metadata.name, job.status
        self.jobs[name] = job
        before = Job.model_validate(old).status if old else status
        if before.start_time is not None:
            self.expect(before.start_time == status.start_time, f"{name} starts again")
        if before.ended:
            for part in ("state", "reason", "message", "outputs", "root_cause", "completion_time"):
                same = getattr(before, part) == getattr(status, part)
                self.expect(same, f"{name} has ended and changes its {part}")

    def _check_release(self, name: str, batch: Body) -> None:
        job, task = self.jobs[name], self.tasks[name]
        self.released.add(name)
        self.expect(not job.status.ended, f"{name} is released after its end")
        for dependency in task.depends_on:
            self.expect(self._holds(dependency), f"{name} is released before {dependency}")
        told = batch["spec"]["template"]["metadata"]["annotations"]
        values = {"model": f"{task.takes}-model"} if task.takes else {}
        self.expect(json.loads(told[PARAMETERS]) == values, f"{name} gets {told[PARAMETERS]}")
        if self.scenario.tracking == "MLflow":
            mine = self.mlflow.owners.get(told[RUN_ID]) == job.metadata.uid
            self.expect(mine, f"{name} is told of run {told[RUN_ID]}")
        self._check_places(batch)

    def _holds(self, dependency: Dependency) -> bool:
        name = dependency.name
        match dependency.condition:
            case DependencyCondition.COMPLETE:
                return name in self.completed
            case DependencyCondition.STARTED:
                return name in self.ran
            case DependencyCondition.FINISHED:
                return self.jobs[name].status.ended
            case DependencyCondition.FAILED:
                return self.jobs[name].status.state is JobState.FAILED

    def _check_places(self, released: Body) -> None:
        queue = released["metadata"]["labels"][QUEUE_LABEL]
        limit = self.scenario.limits[queue]
        others = [
            job["metadata"]["name"]
            for job in self.server.all(BATCH_JOBS)
            if job["metadata"]["labels"][QUEUE_LABEL] == queue
            and not (job["spec"]["suspend"] or ended(job))
            # The place of a job that was deleted is not the operator's to keep.
            and self.server.find(JOBS, job["metadata"]["name"])
        ]
        running = {*others, released["metadata"]["name"]}
        self.expect(limit is None or len(running) <= limit, f"{running} run in {queue} at once")


class Operator:
    """One life of the operator after the other."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._requests = 0
        self._dead = asyncio.Event()

    async def live(self) -> None:
        """Live, die and start anew until cancelled."""
        while True:
            self._dead.clear()
            life = asyncio.create_task(self._live_once())
            death = asyncio.create_task(self._dead.wait())
            try:
                await asyncio.wait({life, death}, return_when=asyncio.FIRST_COMPLETED)
                if life.done():
                    life.result()
            finally:
                for task in (life, death):
                    task.cancel()
                await asyncio.gather(life, death, return_exceptions=True)
            await self._world.chance.pause()

    def die(self) -> None:
        self._dead.set()

    def _count(self) -> None:
        self._requests += 1
        if self._requests in self._world.scenario.deaths:
            self.die()

    async def _live_once(self) -> None:
        world = self._world
        gateway = UnreliableGateway(world.server, world.chance, self._count)
        settings = Settings(tracking_uri="http://mlflow", workers=world.scenario.workers)
        engine = Engine(gateway, world.mlflow, settings)
        for reconciler in (engine._jobs, engine._aggregates):
            reconciler._clock = clock
        async with asyncio.TaskGroup() as tasks:
            for kind in KINDS:
                tasks.create_task(self._watch(engine, kind))
            tasks.create_task(engine.run())

    async def _watch(self, engine: Engine, kind: Kind) -> None:
        """Pass on what a watch tells: late, twice, stale, and at times no word of a deletion."""
        chance, told = self._world.chance, dict[str, list[Body]]()
        stream = self._world.server.watch(kind)
        while True:
            change, body = await stream.get()
            await chance.pause()
            uid = body["metadata"]["uid"]
            if change != "DELETED":
                told.setdefault(uid, []).append(body)
            elif told.pop(uid, None) is None or chance.mishap():
                continue
            engine.observe(kind, change, body)
            if told and chance.mishap():
                engine.observe(kind, None, chance.choice(chance.choice(list(told.values()))))


class User:
    """Creates everything, in any order, and meddles."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def act(self) -> None:
        scenario = self._world.scenario
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._create())
            for deed in scenario.deeds:
                tasks.create_task(self._meddle(deed))

    async def _create(self) -> None:
        scenario, server = self._world.scenario, self._world.server
        things: dict[str, tuple[Kind, Body]] = {
            "experiment": (EXPERIMENTS, experiment_body(tracking=scenario.tracking)),
            **{
                name: (QUEUES, queue_body(name, maxRunning=limit))
                for name, limit in scenario.limits.items()
            },
            **{task.name: (JOBS, task.body()) for task in scenario.tasks},
        }
        for name in scenario.order:
            kind, body = things[name]
            server.create(kind, {**body, "status": {}})
            await self._world.chance.pause()

    async def _meddle(self, deed: Deed) -> None:
        await asyncio.sleep(deed.at)
        match deed.what:
            case "hold" | "drain":
                policy = "Hold" if deed.what == "hold" else "HoldAndDrain"
                self._change(QUEUES, deed.name, stopPolicy=policy)
                await asyncio.sleep(deed.until - deed.at)
                self._change(QUEUES, deed.name, stopPolicy="None")
            case "suspend":
                self._change(JOBS, deed.name, suspend=True)
                await asyncio.sleep(deed.until - deed.at)
                self._change(JOBS, deed.name, suspend=False)
            case "cancel":
                self._change(JOBS, deed.name, cancel=True)
            case "delete":
                if self._world.server.find(JOBS, deed.name):
                    self._world.server.remove(JOBS, deed.name)

    def _change(self, kind: Kind, name: str, **fields: Any) -> None:
        found = self._world.server.find(kind, name)
        if found is not None:
            self._world.server.update(kind, name, spec={**found["spec"], **fields})


def simulate(scenario: Scenario) -> World:
    """Let a scenario happen until nothing happens any more.

    Raises:
        AssertionError: Something happened that must not, or the world never comes to rest.
    """
    with structlog.testing.capture_logs() as logs:
        world = run(_happen(scenario))
    faults = [log for log in logs if log["event"] in ("reconcile.crashed", "object.unreadable")]
    assert not faults
    return world


async def _happen(scenario: Scenario) -> World:
    world = World(scenario)
    operator = Operator(world)
    parties = [operator.live(), world.cluster.run()]
    tasks = [asyncio.create_task(party) for party in parties]
    await User(world).act()
    await _rest(world, tasks)
    version, runs = world.server.version, dict(world.mlflow.runs)
    operator.die()
    await asyncio.sleep(QUIET_SECONDS)
    assert (version, runs) == (world.server.version, world.mlflow.runs), "a restart changes things"
    for task in tasks:
        task.cancel()
    return world


async def _rest(world: World, tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait until nothing has changed for so long that nothing will."""
    seen, since = world.server.version, CALM_AFTER_SECONDS
    while now() - since < QUIET_SECONDS:
        await asyncio.sleep(QUIET_SECONDS / 20)
        assert not world.violations, world.violations[0]
        assert now() < MAX_SECONDS, "the world never comes to rest"
        for task in tasks:
            if task.done():
                task.result()
        if world.server.version != seen:
            seen, since = world.server.version, max(now(), CALM_AFTER_SECONDS)


# What is to be expected.


def foretell(task: Task, others: Mapping[str, Outcome]) -> Outcome:
    """Say what becomes of a job, given what became of those that it depends on."""
    verdicts = {d: _meets(d.condition, others.get(d.name)) for d in task.depends_on}
    unmet = [dependency for dependency, verdict in verdicts.items() if verdict is False]
    if unmet:
        severe = any(d.on_unsatisfied is OnUnsatisfied.FAIL for d in unmet)
        return Outcome(JobState.FAILED if severe else JobState.SKIPPED, ran=False)
    if None in verdicts.values():
        return Outcome(JobState.WAITING, ran=False)
    if task.takes and others[task.takes].state is not JobState.FINISHED:
        return Outcome(JobState.FAILED, ran=False)
    return _attempt(task)


def foretell_all(tasks: Sequence[Task]) -> dict[str, Outcome]:
    """Say what becomes of jobs of which each depends on earlier ones only."""
    outcomes: dict[str, Outcome] = {}
    for task in tasks:
        outcomes[task.name] = foretell(task, outcomes)
    return outcomes


def _meets(condition: DependencyCondition, outcome: Outcome | None) -> bool | None:
    if outcome and outcome.ran and condition is DependencyCondition.STARTED:
        return True
    if outcome is None or outcome.state not in ENDS:
        return None
    return {
        DependencyCondition.COMPLETE: outcome.state is JobState.FINISHED,
        DependencyCondition.FAILED: outcome.state is JobState.FAILED,
        DependencyCondition.FINISHED: True,
        DependencyCondition.STARTED: False,
    }[condition]


def _attempt(task: Task) -> Outcome:
    failures, allowed = 0, task.spec.get("backoffLimit", 0)
    for number in range(len(task.fates) + allowed + 1):
        fate = task.fates[min(number, len(task.fates) - 1)]
        if fate is Fate.STUCK:
            return Outcome(JobState.FAILED, ran=number > 0)
        if fate is Fate.WELL:
            return Outcome(JobState.FINISHED, ran=True)
        failures += fate is not Fate.EVICTED
        if failures > allowed:
            return Outcome(JobState.FAILED, ran=True)
    raise ValueError(f"{task.name} is attempted for ever")
