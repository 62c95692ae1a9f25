"""An MLflow server in memory."""

from collections import defaultdict
from pathlib import Path

from alidade.domain.mlflow_run import UID_TAG
from alidade.tracking.tracking import Run, TrackingError
from tests.support.simulation.chance import Chance


class Mlflow:
    """Runs, as hard to reach as everything else.

    Attributes:
        runs: Status of each run.
        owners: UID of the job of each run.
        tags: What each run was created with.
        settled: Runs that the operator has ended.
        logs: Paths of the artifacts of each run.
    """

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self.runs: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.settled: set[str] = set()
        self.logs: defaultdict[str, set[str]] = defaultdict(set)

    async def ensure_experiment(self, name: str, artifact_location: str | None) -> str:
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
            self.tags[run_id] = tags
        await self._way()
        return run_id

    async def open_runs(self, tags: dict[str, str]) -> list[Run]:
        await self._way()
        return [
            Run(run_id, found)
            for run_id, found in self.tags.items()
            if self.runs[run_id] in ("SCHEDULED", "RUNNING") and tags.items() <= found.items()
        ]

    async def end_run(self, run_id: str, end: str, tags: dict[str, str]) -> None:
        await self._way()
        self.runs[run_id] = end
        self.settled.add(run_id)
        await self._way()

    async def log_artifact(self, run_id: str, file: Path, folder: str) -> None:
        await self._way()
        self.logs[run_id].add(f"{folder}/{file.name}")
        await self._way()

    async def _way(self) -> None:
        await self._chance.pause()
        if self._chance.mishap():
            raise TrackingError("connection refused", unreachable=True)
