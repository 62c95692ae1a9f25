"""The two that are asked: the simulated MLflow, and a real one."""

import asyncio
from typing import Protocol

from mlflow import MlflowClient

from alidade_operator.tracking.mlflow import MlflowTracking
from alidade_operator.tracking.tracking import Tracking
from tests.conform.sides import Calm
from tests.support.simulation.mlflow import KEY, Mlflow

Shown = tuple[str, dict[str, str], list[str]]
"""Status and tags of a run, and the paths of the artifacts in its folder of logs."""
LOGS = "logs/pod"


class Others(Protocol):
    """What pods and users do, and what they see."""

    async def work(self, run_id: str, status: str) -> None:
        """Have a pod say how its run goes."""
        ...

    async def delete_run(self, run_id: str) -> None:
        """Delete a run."""
        ...

    async def delete_experiment(self, experiment_id: str) -> None:
        """Delete an experiment."""
        ...

    async def show(self, run_id: str) -> Shown:
        """Return what a run looks like."""
        ...


class SimulatedOthers:
    """The others at a simulated MLflow."""

    def __init__(self, server: Mlflow) -> None:
        self._server = server

    async def work(self, run_id: str, status: str) -> None:
        self._server.work(run_id, status)

    async def delete_run(self, run_id: str) -> None:
        self._server.delete_run(run_id)

    async def delete_experiment(self, experiment_id: str) -> None:
        self._server.delete_experiment(experiment_id)

    async def show(self, run_id: str) -> Shown:
        status = self._server.runs[run_id]
        return status, self._server.tags[run_id], sorted(self._server.logs[run_id])


class Simulated:
    """A simulated MLflow server with nothing in it."""

    def __init__(self) -> None:
        server = Mlflow(Calm(), empty=True)
        self.tracking: Tracking = server
        self.others: Others = SimulatedOthers(server)


class RealOthers:
    """The others at a real MLflow server."""

    def __init__(self, client: MlflowClient) -> None:
        self._client = client

    async def work(self, run_id: str, status: str) -> None:
        if (await self.show(run_id))[0] != "DELETED":
            await asyncio.to_thread(self._client.update_run, run_id, status)

    async def delete_run(self, run_id: str) -> None:
        await asyncio.to_thread(self._client.delete_run, run_id)

    async def delete_experiment(self, experiment_id: str) -> None:
        # MLflow refuses to delete one twice.
        found = await asyncio.to_thread(self._client.get_experiment, experiment_id)
        if found.lifecycle_stage == "active":
            await asyncio.to_thread(self._client.delete_experiment, experiment_id)

    async def show(self, run_id: str) -> Shown:
        run = await asyncio.to_thread(self._client.get_run, run_id)
        logs = await asyncio.to_thread(self._client.list_artifacts, run_id, LOGS)
        deleted = run.info.lifecycle_stage == "deleted"
        status = "DELETED" if deleted else run.info.status
        return status, dict(run.data.tags), sorted(log.path for log in logs)


class Real:
    """A real MLflow server.

    Args:
        uri: Where it is.
    """

    def __init__(self, uri: str) -> None:
        self.tracking: Tracking = MlflowTracking(uri, KEY)
        self.others: Others = RealOthers(MlflowClient(uri))


class Side(Protocol):
    """One of the two."""

    @property
    def tracking(self) -> Tracking:
        """What the operator has of it."""
        ...

    @property
    def others(self) -> Others:
        """What the others have of it."""
        ...
