"""An MLflow server in memory."""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from alidade.domain.mlflow_run import INSTALLATION_TAG, UID_TAG, Owner, owner_of
from alidade.domain.registration import Registered, Registrant, Registration, others
from alidade.domain.words import clean
from alidade.tracking.tracking import ExperimentLostError, Run, TrackingError
from tests.support.simulation.chance import Chance

OPEN = ("SCHEDULED", "RUNNING")
MAX_TAG = 5000


@dataclass
class MlflowExperiment:
    """An experiment there."""

    name: str
    tags: dict[str, str] = field(default_factory=dict)
    deleted: bool = False


class Mlflow:
    """Experiments and runs, as hard to reach as everything else.

    Args:
        chance: What becomes of requests.
        empty: Whether nothing was there before; if not, what a status names is taken to be there.

    Attributes:
        experiments: The experiments by their IDs.
        runs: Status of each run.
        owners: UID of the job of each run.
        tags: The tags of each run.
        within: The experiment of each run.
        settled: Runs that the operator has ended.
        lost: Experiments that are not there, whatever a status says.
        registrations: How often an experiment was asked for.
        logs: Paths of the artifacts of each run.
    """

    def __init__(self, chance: Chance, *, empty: bool = False) -> None:
        self._chance = chance
        self._empty = empty
        self.experiments: dict[str, MlflowExperiment] = {}
        self.runs: dict[str, str] = {}
        self.owners: dict[str, str] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.within: dict[str, str] = {}
        self.settled: set[str] = set()
        self.lost: set[str] = set()
        self.registrations = 0
        self.logs: defaultdict[str, set[str]] = defaultdict(set)

    # What the operator asks for.

    async def register(self, wanted: Registration) -> Registered:
        await self._way()
        self.registrations += 1
        experiment_id = self._known(wanted) or self._of_name(wanted)
        found = self.experiments[experiment_id]
        if found.deleted:
            raise TrackingError(f"experiment '{found.name}' is deleted", unreachable=False)
        beside = others(wanted.registrant, found.tags)
        found.tags[wanted.registrant.tag] = "true"
        instead_of = wanted.known_id if wanted.known_id != experiment_id else None
        return Registered(experiment_id, found.name, beside, instead_of)

    async def ensure_run(
        self, experiment_id: str, name: str, tags: dict[str, str], *, search: bool
    ) -> str:
        await self._way()
        self._confirm(experiment_id, owner_of(tags))
        uid = tags[UID_TAG]
        run_id = next((r for r in self._runs_of(uid, experiment_id) if search), None)
        if run_id is None:
            if experiment_id in self.experiments and self.experiments[experiment_id].deleted:
                raise TrackingError(f"experiment {experiment_id} is not active", unreachable=False)
            run_id = f"run-{len(self.runs)}"
            self.runs[run_id] = "SCHEDULED"
            self.owners[run_id] = uid
            self.tags[run_id] = _kept(tags)
            self.within[run_id] = experiment_id
        await self._way()
        return run_id

    async def open_runs(self, installation: str) -> list[Run]:
        await self._way()
        return [
            Run(run_id, owner)
            for run_id, tags in self.tags.items()
            if self.runs[run_id] in OPEN
            and tags.get(INSTALLATION_TAG, "") == installation
            and (owner := owner_of(tags))
        ]

    async def end_run(self, run_id: str, end: str, tags: dict[str, str]) -> bool:
        await self._way()
        unknown = "DELETED" if self._empty else end
        there = self.runs.get(run_id, unknown) != "DELETED"
        if there:
            self.runs[run_id] = end
            self.tags.setdefault(run_id, {}).update(_kept(tags))
            self.settled.add(run_id)
        await self._way()
        return there

    async def end_surplus(self, run_id: str, right: str) -> None:
        await self.end_run(run_id, "KILLED", {})

    async def log_artifact(self, run_id: str, file: Path, folder: str) -> None:
        await self._way()
        self.logs[run_id].add(f"{folder}/{file.name}")
        await self._way()

    # What others do.

    def work(self, run_id: str, status: str) -> None:
        """Have a pod say how its run goes."""
        if self.runs.get(run_id, "DELETED") != "DELETED":
            self.runs[run_id] = status

    def delete_run(self, run_id: str) -> None:
        """Delete a run, which is kept for a time and not shown."""
        if run_id in self.runs:
            self.runs[run_id] = "DELETED"

    def delete_experiment(self, experiment_id: str) -> None:
        """Delete an experiment with its runs; it keeps its name."""
        if experiment_id in self.experiments:
            self.experiments[experiment_id].deleted = True
            for run_id, where in self.within.items():
                if where == experiment_id:
                    self.runs[run_id] = "DELETED"

    # How it is done.

    def _confirm(self, experiment_id: str, owner: Owner | None) -> None:
        found = self.experiments.get(experiment_id)
        if owner is None or (found is None and not self._empty):
            return
        registrant = Registrant(owner.installation, owner.namespace, owner.experiment)
        if found is None or registrant.tag not in found.tags:
            raise ExperimentLostError(f"experiment {experiment_id} is another's", unreachable=False)

    def _known(self, wanted: Registration) -> str | None:
        if wanted.known_id is None or wanted.known_id in self.lost:
            return None
        found = self.experiments.get(wanted.known_id)
        if found is None and not self._empty:
            self.experiments[wanted.known_id] = MlflowExperiment(wanted.name)
            return wanted.known_id
        known = found is not None and (
            wanted.registrant.tag in found.tags or found.name == wanted.adopted_name
        )
        return wanted.known_id if known else None

    def _of_name(self, wanted: Registration) -> str:
        for experiment_id, found in self.experiments.items():
            if found.name == wanted.name:
                return experiment_id
        made = f"experiment-{wanted.registrant.name}"
        made += f"-{len(self.experiments)}" if made in self.experiments else ""
        self.experiments[made] = MlflowExperiment(wanted.name)
        return made

    def _runs_of(self, uid: str, experiment_id: str) -> list[str]:
        return [
            run_id
            for run_id, owner in self.owners.items()
            if owner == uid
            and self.within[run_id] == experiment_id
            and self.runs[run_id] != "DELETED"
        ]

    async def _way(self) -> None:
        await self._chance.pause()
        if self._chance.mishap():
            raise TrackingError("connection refused", unreachable=True)


def _kept(tags: dict[str, str]) -> dict[str, str]:
    return {key: clean(value[:MAX_TAG]) for key, value in tags.items() if value}
