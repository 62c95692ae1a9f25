"""Asking one side, and taking down what it answers by names that mean the same on both."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from alidade_operator.decide.run_owner import (
    EXPERIMENT_TAG,
    INSTALLATION_TAG,
    JOB_TAG,
    NAMESPACE_TAG,
    UID_TAG,
)
from alidade_operator.decide.sums.registration import Registrant, Registration
from alidade_operator.tracking.signature import SIGNATURE_TAG, Signer
from alidade_operator.tracking.tracking import TrackingError
from tests.conform.steps import Much
from tests.conform.tracking.asks import Ask
from tests.conform.tracking.sides import LOGS, Side
from tests.support.simulation.mlflow import KEY

_SIGNER = Signer(KEY)
_NO_RUN = "0" * 32
_NO_EXPERIMENT = "999999999"


class Player:
    """Plays one sequence on one side.

    Args:
        side: The side.
        tag: What makes the sequence's installation and names its own.
    """

    def __init__(self, side: Side, tag: str) -> None:
        self._side = side
        self._tag = tag
        self._runs: dict[str, str] = {}
        self._experiments: dict[str, str] = {}
        self._made: list[str] = []

    async def play(self, asks: Sequence[Ask]) -> list[Any]:
        """Return all answers, and behind them what became of the runs."""
        answers = [await self._answer(ask) for ask in asks]
        return [*answers, *[await self._shown(run_id) for run_id in self._made]]

    async def _answer(self, ask: Ask) -> Any:
        try:
            return await getattr(self, f"_{ask.verb}")(**ask.given)
        except TrackingError as error:
            return type(error).__name__, error.unreachable, error.status, error.code

    async def _register(self, experiment: str, known: str | None, *, adopted: bool) -> Any:
        wanted = Registration(
            Registrant(self._tag, "lab", experiment),
            f"{self._tag}/{experiment}",
            known_id=None if known is None else self._experiments.get(known, _NO_EXPERIMENT),
            adopted_name=f"{self._tag}/{known}" if adopted else None,
        )
        found = await self._side.tracking.register(wanted)
        self._experiments[experiment] = found.experiment_id
        lost = found.instead_of and (known or "")
        return found.name, found.others, lost

    async def _ensure_run(
        self, experiment: str, job: str, *, search: bool, tags: Mapping[str, str | Much]
    ) -> Any:
        own = {
            UID_TAG: f"{self._tag}-{job}",
            INSTALLATION_TAG: self._tag,
            NAMESPACE_TAG: "lab",
            JOB_TAG: job,
            EXPERIMENT_TAG: experiment,
        }
        where = self._experiments.get(experiment, _NO_EXPERIMENT)
        run_id = await self._side.tracking.ensure_run(
            where, job, {**own, **_written(tags)}, search=search
        )
        if run_id not in self._made:
            self._made.append(run_id)
        self._runs[job] = run_id
        return self._made.index(run_id)

    async def _end_run(self, job: str, end: str, tags: Mapping[str, str | Much]) -> Any:
        run_id = self._runs.get(job, _NO_RUN)
        whose = f"{self._tag}-{job}"
        return await self._side.tracking.end_run(run_id, whose, end, _written(tags), {})

    async def _end_surplus(self, job: str, whose: str, right: str) -> None:
        surplus, kept = (self._runs.get(of, _NO_RUN) for of in (job, right))
        await self._side.tracking.end_surplus(surplus, f"{self._tag}-{whose}", kept)

    async def _log_artifact(self, job: str, whose: str) -> None:
        run_id = self._runs.get(job, _NO_RUN)
        with TemporaryDirectory() as folder:
            file = Path(folder) / "worker.log"
            file.write_text("epoch 1\n")
            await self._side.tracking.log_artifact(run_id, f"{self._tag}-{whose}", file, LOGS)

    async def _open_runs(self) -> Any:
        found = await self._side.tracking.open_runs(self._tag)
        return sorted((self._number(run.run_id), run.owner.job) for run in found)

    async def _right_run(self, job: str) -> Any:
        run_id = await self._side.tracking.right_run(f"{self._tag}-{job}")
        return None if run_id is None else self._number(run_id)

    def _number(self, run_id: str) -> int:
        """Return which of the runs one is; one that no answer told of is none of them."""
        return self._made.index(run_id) if run_id in self._made else -1

    async def _work(self, job: str, status: str) -> None:
        if job in self._runs:
            await self._side.others.work(self._runs[job], status)

    async def _delete_run(self, job: str) -> None:
        if job in self._runs:
            await self._side.others.delete_run(self._runs[job])

    async def _delete_experiment(self, experiment: str) -> None:
        if experiment in self._experiments:
            await self._side.others.delete_experiment(self._experiments[experiment])

    async def _shown(self, run_id: str) -> Any:
        status, tags, artifacts = await self._side.others.show(run_id)
        proof = _SIGNER.proof(run_id, tags)
        return status, {**self._renamed(tags), SIGNATURE_TAG: proof}, artifacts

    def _renamed(self, tags: Mapping[str, str]) -> dict[str, str]:
        numbers = {run_id: f"run {number}" for number, run_id in enumerate(self._made)}
        return {key: numbers.get(value, value) for key, value in tags.items()}


def _written(tags: Mapping[str, str | Much]) -> dict[str, str]:
    return {k: v.text * v.times if isinstance(v, Much) else v for k, v in tags.items()}
