"""An MLflow server in memory, as the operator's own client of MLflow sees it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from alidade_core.first_words import first_words
from alidade_operator.decide.answers import Registered
from alidade_operator.decide.run_owner import UID_TAG, owner_of
from alidade_operator.decide.sums.registration import Registrant, Registration
from alidade_operator.tracking.experiments import Experiments
from alidade_operator.tracking.mlflow import MlflowTracking
from alidade_operator.tracking.rest import Body, Rest
from alidade_operator.tracking.runs import Runs
from alidade_operator.tracking.signature import Signer
from alidade_operator.tracking.store_process import Child
from alidade_operator.tracking.tracking import TrackingError
from tests.support.simulation.chance import Chance
from tests.support.simulation.tracking_server import DELETED, MlflowExperiment, TrackingServer
from tests.support.simulation.words import SAID

KEY = b"known to the operator alone"
LATE_SECONDS = 60
_READS = (
    "experiments/get",
    "experiments/get-by-name",
    "experiments/search",
    "runs/get",
    "runs/search",
)
_ODD: tuple[Body, ...] = ({}, {"run": None, "experiment": []}, {"runs": [{"info": "none"}]})
_DOORS = (401, 403, 404, 407, 429, 500, 502, 503)
_SAID = ("<html>\n<title>Bad Gateway</title>", *SAID)
_LATER, _SERVER_ERRORS = 429, 500
RETRY_SECONDS = 20.0
T = TypeVar("T")


class Mlflow(TrackingServer, MlflowTracking):
    """Experiments and runs, as hard to reach as everything else.

    Args:
        chance: What becomes of requests.
        empty: Whether nothing was there before; if not, what a status names is taken to be there.

    Attributes:
        settled: Runs that the operator has ended.
        lost: Experiments that are not there, whatever a status says.
        registrations: How often an experiment was asked for.
        logs: The artifacts of each run by their paths.
    """

    def __init__(self, chance: Chance, *, empty: bool = False) -> None:
        TrackingServer.__init__(self)
        MlflowTracking.__init__(self, "http://mlflow", KEY)
        self._chance = chance
        self._empty = empty
        self.signer = Signer(KEY)
        rest = _Way(self, chance)
        self._experiments = Experiments(rest, Child())
        self._runs = Runs(rest, self.signer)
        self.lost: set[str] = set()
        self.registrations = 0
        self.logs: defaultdict[str, dict[str, bytes]] = defaultdict(dict)

    # What the operator asks for.

    async def register(self, wanted: Registration) -> Registered:
        self.registrations += 1
        if wanted.known_id and not self._empty and wanted.known_id not in self.lost:
            self.experiments.setdefault(wanted.known_id, MlflowExperiment(wanted.name))
            self.experiments[wanted.known_id].tags[wanted.registrant.tag] = "true"
        return await super().register(wanted)

    async def ensure_run(
        self, experiment_id: str, name: str, tags: dict[str, str], *, search: bool
    ) -> str:
        if not self._empty:
            known = self.experiments.setdefault(experiment_id, MlflowExperiment(name))
            if owner := owner_of(tags):
                registrant = Registrant(owner.installation, owner.namespace, owner.experiment)
                known.tags[registrant.tag] = "true"
        return await super().ensure_run(experiment_id, name, tags, search=search)

    async def end_run(
        self, run_id: str, uid: str, end: str, tags: dict[str, str], parameters: dict[str, str]
    ) -> bool:
        if not self._empty and run_id not in self.runs:
            self.runs[run_id], self.tags[run_id] = "RUNNING", {UID_TAG: uid}
        return await super().end_run(run_id, uid, end, tags, parameters)

    async def _ask(self, lane: ThreadPoolExecutor, request: Callable[..., T], *arguments: Any) -> T:
        await self._way()
        answer = self._guarded(request, *arguments)
        await self._way()
        return answer

    def _log_artifact(self, run_id: str, uid: str, file: Path, folder: str) -> None:
        self._runs.artifact_uri(run_id, uid)
        self.logs[run_id][f"{folder}/{file.name}"] = file.read_bytes()

    async def _way(self) -> None:
        await self._chance.pause()
        if self._chance.mishap():
            raise TrackingError("connection refused", unreachable=True)

    # What others do.

    def work(self, run_id: str, status: str) -> bool:
        """Have a pod say how its run goes; return whether it is there."""
        there = self.runs.get(run_id, DELETED) != DELETED
        if there:
            self.runs[run_id] = status
        return there

    def delete_run(self, run_id: str) -> None:
        """Delete a run, which is kept for a time and not shown."""
        if run_id in self.runs:
            self.runs[run_id] = DELETED

    def delete_experiment(self, experiment_id: str) -> None:
        """Delete an experiment with its runs; it keeps its name."""
        if experiment_id in self.experiments:
            self.experiments[experiment_id].deleted = True
            for run_id, where in self.within.items():
                if where == experiment_id:
                    self.runs[run_id] = DELETED


class _Way(Rest):
    """The way to the server: each request may go astray by itself.

    Args:
        server: The server.
        chance: What becomes of requests.
    """

    def __init__(self, server: TrackingServer, chance: Chance) -> None:
        super().__init__("http://mlflow")
        self._server = server
        self._chance = chance

    def get(self, path: str, **parameters: str) -> Body:
        return self._send(path, parameters)

    def search(self, kind: str, **body: Any) -> Body:
        return self._send(f"{kind}/search", body)

    def post(self, path: str, **body: Any) -> Body:
        return self._send(path, body)

    def _send(self, path: str, given: Mapping[str, Any]) -> Body:
        if self._server.away:
            raise TrackingError("answers 503: no server", unreachable=True, status=503)
        if not self._chance.mishap(0.5):
            return self._server.answer(path, given)
        match self._chance.choice(("refused", "late", "unanswered", "odd", "lost")):
            case "refused":
                raise self._refusal()
            case "late":
                later = self._chance.choice(range(LATE_SECONDS))
                asyncio.get_running_loop().call_later(later, self._late, path, given)
            case "unanswered":
                self._server.answer(path, given)
            case "odd":
                self._server.answer(path, given)
                return self._chance.choice(_ODD)
            case "lost" if path not in _READS:
                return self._server.answer_and_lose(path, given)
        raise TrackingError("answers 502: Bad Gateway", unreachable=True, status=502)

    def _refusal(self) -> TrackingError:
        """Return what a door on the way may answer, as the client reads it."""
        status = self._chance.choice(_DOORS)
        words = first_words(self._chance.choice(_SAID).encode(errors="replace").decode())
        return TrackingError(
            f"answers {status}: {words}",
            unreachable=status >= _SERVER_ERRORS or status == _LATER,
            status=status,
            retry_after=RETRY_SECONDS if status == _LATER else None,
        )

    def _late(self, path: str, given: Mapping[str, Any]) -> None:
        try:
            self._server.answer(path, given)
        except TrackingError:
            # Nobody is there to hear it.
            return
