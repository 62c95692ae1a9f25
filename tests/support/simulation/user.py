"""The user: creates everything, in any order, and meddles."""

import asyncio
from contextlib import suppress
from typing import Any

from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    EXPERIMENTS,
    JOBS,
    QUEUES,
    Body,
    ForbiddenError,
    Kind,
    NotFoundError,
)
from alidade_operator.objects.well_known import JOB_LABEL, JOB_UID_LABEL
from tests.support.builders import IMAGE, experiment_body, queue_body
from tests.support.simulation.cluster import CROWDED
from tests.support.simulation.scenario import Deed, Scenario
from tests.support.simulation.world import ENDING, World
from tests.support.workflow_sources import CONFIG_MAP, ELSEWHERE, GIT, PATH

EXPERIMENT = "mnist"
FOR_A_TIME: dict[str, Body] = {
    "hold": {"stopPolicy": "Hold"},
    "drain": {"stopPolicy": "HoldAndDrain"},
    "suspend": {"suspend": True},
}
BY_HAND: dict[str, Body] = {
    "unlabel": {"metadata": {"labels": {JOB_LABEL: None}}},
    "relabel": {"metadata": {"labels": {JOB_UID_LABEL: "another"}}},
    "disown": {"metadata": {"ownerReferences": None}},
    "halt": {"spec": {"suspend": True}},
    "narrow": {"spec": {"parallelism": 0}},
}
"""What is changed of a batch/v1 Job that the user has no business with."""
FOR_GOOD: dict[str, Body] = {"move": {"queue": "gpu"}, "cancel": {"cancel": True}}
SHARED: tuple[Body, ...] = ({}, {"workflow": {"image": IMAGE, "source": CONFIG_MAP}})
OWN: tuple[Body, ...] = ({}, {}, {"workflow": {"path": "own"}}, {"workflow": {"source": ELSEWHERE}})
"""What experiments and jobs say of the code that is run."""
LATER: Body = {"workflow": {"image": IMAGE, "source": GIT}, "datasets": []}
"""What an experiment says of it some time later."""
LATEST_SECONDS = 60


def _queue(scenario: Scenario, name: str) -> Body:
    if name in scenario.kueue:
        return queue_body(name, kueueLocalQueue="team")
    flavors = [{"name": CROWDED}, {"name": "roomy"}] if name in scenario.crowded else []
    limit: Body = {} if scenario.limits[name] is None else {"maxRunning": scenario.limits[name]}
    patience: Body = {"placementTimeoutSeconds": scenario.placement_timeout}
    return queue_body(name, flavors=flavors, **patience, **limit)


def _experiment(scenario: Scenario) -> Body:
    shared = SHARED[scenario.seed % len(SHARED)]
    return experiment_body(tracking=scenario.tracking, datasets=[PATH], **shared)


def _job(scenario: Scenario, number: int) -> Body:
    body = scenario.tasks[number].body()
    # By the seed: what it is makes no difference to anything else.
    own = OWN[(scenario.seed >> 2 * number) % len(OWN)]
    return {**body, "spec": {**body["spec"], **own}}


class User:
    """Acts as the scenario says."""

    def __init__(self, world: World) -> None:
        self._world = world
        scenario = world.scenario
        self._created: list[str] = []
        self._things: dict[str, tuple[Kind, Body]] = {
            EXPERIMENT: (EXPERIMENTS, _experiment(scenario)),
            **{name: (QUEUES, _queue(scenario, name)) for name in scenario.limits},
            **{task.name: (JOBS, _job(scenario, n)) for n, task in enumerate(scenario.tasks)},
        }

    def create_again(self) -> None:
        """Create what was created, and is not there any more."""
        for name in self._created:
            self._create(name)

    async def act(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._create_all())
            tasks.create_task(self._change_the_code())
            if self._world.scenario.ends is not None:
                tasks.create_task(self._fill_what_ends())
                tasks.create_task(self._end(self._world.scenario.ends))
            for deed in self._world.scenario.deeds:
                tasks.create_task(self._meddle(deed))

    async def _create_all(self) -> None:
        for name in self._world.scenario.order:
            self._created.append(name)
            self._create(name)
            await self._world.chance.pause()

    async def _change_the_code(self) -> None:
        await asyncio.sleep(self._world.scenario.seed % LATEST_SECONDS)
        self._update(EXPERIMENT, **LATER)

    async def _fill_what_ends(self) -> None:
        """Create the same once more in the namespace that ends, for as long as it takes any."""
        for name in self._world.scenario.order:
            kind, body = self._things[name]
            there = {**body, "metadata": {**body["metadata"], "namespace": ENDING}}
            with suppress(ForbiddenError, NotFoundError):
                self._world.server.create(kind, there, ENDING)
            await self._world.chance.pause()

    async def _end(self, at: float) -> None:
        await asyncio.sleep(at)
        self._world.server.end(ENDING)

    async def _meddle(self, deed: Deed) -> None:
        await asyncio.sleep(deed.at)
        match deed.what:
            case "hold" | "drain" | "suspend":
                await self._change(deed, **FOR_A_TIME[deed.what])
            case "widen":
                await self._widen(deed)
            case "move" | "cancel":
                self._update(deed.name, **FOR_GOOD[deed.what])
            case "withdraw" | "redo" if self._remove(deed.name):
                await asyncio.sleep(deed.seconds)
                self._create(deed.name)
            case "delete":
                self._remove(deed.name)
            case "age" | "clear":
                await self._falsify(deed)
            case "empty" | "restore" | "outage":
                await self._trouble_mlflow(deed)
            case "unlabel" | "relabel" | "disown" | "halt" | "narrow" | "snatch":
                self._lay_hands_on(deed)

    def _lay_hands_on(self, deed: Deed) -> None:
        server = self._world.server
        if server.find(BATCH_JOBS, deed.name) is None:
            return
        if deed.what == "snatch":
            server.remove(BATCH_JOBS, deed.name)
        else:
            server.patch(BATCH_JOBS, deed.name, BY_HAND[deed.what])

    async def _falsify(self, deed: Deed) -> None:
        """Give a job the status that it had some time ago, or none at all."""
        before = self._world.server.find(JOBS, deed.name)
        await asyncio.sleep(deed.seconds)
        now = self._world.server.find(JOBS, deed.name)
        if before and now and before["metadata"]["uid"] == now["metadata"]["uid"]:
            self._world.falsified.add(deed.name)
            status = before.get("status", {}) if deed.what == "age" else {}
            self._world.server.update(JOBS, deed.name, status=status)

    async def _trouble_mlflow(self, deed: Deed) -> None:
        mlflow = self._world.mlflow
        if deed.what == "empty":
            mlflow.restore()
            mlflow.invite_a_stranger()
            return
        backup = mlflow.back_up()
        mlflow.away = deed.what == "outage"
        await asyncio.sleep(deed.seconds)
        mlflow.away = False
        if deed.what == "restore":
            mlflow.restore(backup)

    async def _widen(self, deed: Deed) -> None:
        scenario = self._world.scenario
        limit = scenario.limits[deed.name]
        if limit is not None and deed.name not in scenario.kueue:
            await self._change(deed, maxRunning=limit + 1)

    async def _change(self, deed: Deed, **fields: Any) -> None:
        """Change some fields for a time."""
        _, body = self._things[deed.name]
        self._update(deed.name, **fields)
        await asyncio.sleep(deed.seconds)
        self._update(deed.name, **{name: body["spec"].get(name) for name in fields})

    def _create(self, name: str) -> None:
        kind, body = self._things[name]
        if self._world.server.find(kind, name) is None:
            self._world.server.create(kind, body)

    def _update(self, name: str, **fields: Any) -> None:
        kind, _ = self._things[name]
        found = self._world.server.find(kind, name)
        if found is not None:
            given = {name: value for name, value in fields.items() if value is not None}
            kept = {n: v for n, v in found["spec"].items() if n not in fields}
            self._world.server.update(kind, name, spec={**kept, **given})

    def _remove(self, name: str) -> bool:
        kind, _ = self._things[name]
        there = self._world.server.find(kind, name) is not None
        if there:
            self._world.server.remove(kind, name)
        return there
