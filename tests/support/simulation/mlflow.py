"""An MLflow server in memory."""

from collections import defaultdict
from pathlib import Path

from alidade.domain.mlflow_run import INSTALLATION_TAG, UID_TAG, owner_of
from alidade.domain.registration import Registered, Registration
from alidade.tracking.tracking import Run, TrackingError
from tests.support.simulation.chance import Chance


class Mlflow:
    """Runs, as hard to reach as everything else.

    Attributes:
        runs: Status of each run.
        owners: UID of the job of each run.
        tags: What each run was created with.
        settled: Runs that the operator has ended.
        lost: Experiments that are not there, whatever a status says.
        registrations: How often an experiment was asked for.
        logs: Paths of the artifacts of each run.
    """

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self.runs: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.settled: set[str] = set()
        self.lost: set[str] = set()
        self.registrations = 0
        self.logs: defaultdict[str, set[str]] = defaultdict(set)

    async def register(self, wanted: Registration) -> Registered:
        await self._way()
        self.registrations += 1
        lost = wanted.known_id if wanted.known_id in self.lost else None
        known = None if lost else wanted.known_id
        made = f"experiment-{wanted.registrant.name}"
        return Registered(known or made, wanted.name, instead_of=lost)

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

    async def open_runs(self, installation: str) -> list[Run]:
        await self._way()
        return [
            Run(run_id, owner)
            for run_id, tags in self.tags.items()
            if self.runs[run_id] in ("SCHEDULED", "RUNNING")
            and tags[INSTALLATION_TAG] == installation
            and (owner := owner_of(tags))
        ]

    async def end_run(self, run_id: str, end: str, tags: dict[str, str]) -> bool:
        await self._way()
        self.runs[run_id] = end
        self.settled.add(run_id)
        await self._way()
        return True

    async def end_surplus(self, run_id: str, right: str) -> None:
        await self.end_run(run_id, "KILLED", {})

    async def log_artifact(self, run_id: str, file: Path, folder: str) -> None:
        await self._way()
        self.logs[run_id].add(f"{folder}/{file.name}")
        await self._way()

    async def _way(self) -> None:
        await self._chance.pause()
        if self._chance.mishap():
            raise TrackingError("connection refused", unreachable=True)
