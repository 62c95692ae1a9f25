"""Tracking by MLflow, in threads: runs, their ends and logs have such of their own."""

import asyncio
import math
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Final, TypeVar

from alidade_operator.decide.answers import Registered
from alidade_operator.decide.run_owner import owner_of
from alidade_operator.decide.sums.registration import Registrant, Registration
from alidade_operator.tracking import artifacts
from alidade_operator.tracking.experiments import Experiments
from alidade_operator.tracking.rest import RESOURCE_DOES_NOT_EXIST, Rest
from alidade_operator.tracking.runs import Runs
from alidade_operator.tracking.signature import Signer
from alidade_operator.tracking.store_process import Child
from alidade_operator.tracking.tracking import ExperimentLostError, Run, TrackingError
from alidade_operator.tracking.transport import TIMEOUT_SECONDS

# As many as are asked for at a time, and one by which open runs are looked through.
REQUESTS: Final = 9
ENDS: Final = 6
UPLOADS: Final = 4
# A request that got through is answered, or given up, within its time-out and a little more.
CLOSE_SECONDS: Final = TIMEOUT_SECONDS + 5.0
T = TypeVar("T")


class MlflowTracking:
    """An MLflow tracking server.

    Args:
        uri: Where it is; credentials come from MLflow's own environment variables.
        signing_key: What proves that a run was made here; known to the operator alone.
        left: Returns for how many seconds this instance is sure to lead; it writes nothing after.
    """

    def __init__(
        self, uri: str, signing_key: bytes, left: Callable[[], float] = lambda: math.inf
    ) -> None:
        self._uri = uri
        self._left = left
        rest = Rest(uri, self._may_write)
        self._child = Child()
        self._experiments = Experiments(rest, self._child)
        self._runs = Runs(rest, Signer(signing_key))
        self._closed = threading.Event()
        self._under_way: set[Future[Any]] = set()
        self._requests = ThreadPoolExecutor(REQUESTS, "mlflow")
        self._ends = ThreadPoolExecutor(ENDS, "mlflow-ends")
        self._uploads = ThreadPoolExecutor(UPLOADS, "mlflow-logs")

    async def register(self, wanted: Registration) -> Registered:
        """Return the MLflow experiment of an Experiment: the one it has, else that of its name."""
        return await self._ask(self._requests, self._experiments.register, wanted)

    async def ensure_run(
        self, experiment_id: str, name: str, tags: dict[str, str], *, search: bool
    ) -> str:
        """Return the ID of this installation's run of a job, which is created if there is none."""
        return await self._ask(self._requests, self._ensure_run, experiment_id, name, tags, search)

    async def open_runs(self, installation: str) -> list[Run]:
        """Return the runs that this installation can prove to have made, and that are open."""
        return await self._ask(self._requests, self._open_runs, installation)

    async def right_run(self, uid: str) -> str | None:
        """Return the ID of the run that is a job's, of all that can be proven to be made for it."""
        return await self._ask(self._requests, self._right_run, uid)

    async def end_run(
        self, run_id: str, uid: str, end: str, tags: dict[str, str], parameters: dict[str, str]
    ) -> bool:
        """Make the end of the job's run this one, add the tags, and see that both are there."""
        return await self._ask(self._ends, self._runs.end, run_id, uid, end, tags, parameters)

    async def end_surplus(self, run_id: str, uid: str, right: str) -> None:
        """End a run that a job has beside its right one."""
        await self._ask(self._requests, self._runs.end_surplus, run_id, uid, right)

    async def log_artifact(self, run_id: str, uid: str, file: Path, folder: str) -> None:
        """Make a file an artifact of the job's run, in this folder of its artifacts."""
        await self._ask(self._uploads, self._log_artifact, run_id, uid, file, folder)

    async def close(self, seconds: float = CLOSE_SECONDS) -> bool:
        """Begin nothing more, and wait for what is under way.

        Args:
            seconds: How long to wait at most.

        Returns:
            Whether nothing is under way any more. If something is, its answer may come later than
            another operator's work begins: the lease has to run out by itself then.
        """
        self._closed.set()
        for lane in (self._requests, self._ends, self._uploads):
            lane.shutdown(wait=False, cancel_futures=True)
        outcome = await asyncio.to_thread(wait, frozenset(self._under_way), seconds)
        return not outcome.not_done

    def _ensure_run(self, experiment_id: str, name: str, tags: dict[str, str], search: bool) -> str:
        owner = owner_of(tags)
        if owner:
            registrant = Registrant(owner.installation, owner.namespace, owner.experiment)
            self._experiments.confirm(registrant, experiment_id)
        try:
            return self._runs.ensure(experiment_id, name, tags, search)
        except TrackingError as error:
            if error.code != RESOURCE_DOES_NOT_EXIST:
                raise
            raise ExperimentLostError(str(error), unreachable=False, status=error.status) from error

    def _open_runs(self, installation: str) -> list[Run]:
        return self._runs.open_ones(installation, self._experiments.all_ids())

    def _right_run(self, uid: str) -> str | None:
        return self._runs.right_one(uid, self._experiments.all_ids())

    def _log_artifact(self, run_id: str, uid: str, file: Path, folder: str) -> None:
        where = self._runs.artifact_uri(run_id, uid)
        self._may_write()
        artifacts.store(self._child, self._uri, where, file, folder)

    def _may_write(self) -> None:
        if self._closed.is_set():
            raise TrackingError("the operator is ending", unreachable=True)
        if self._left() <= 0:
            raise TrackingError("this instance does not lead any more", unreachable=True)

    async def _ask(self, lane: ThreadPoolExecutor, request: Callable[..., T], *arguments: Any) -> T:
        self._may_write()
        # Who waits for it may be cancelled; it is under way all the same.
        request_under_way = lane.submit(self._guarded, request, *arguments)
        self._under_way.add(request_under_way)
        request_under_way.add_done_callback(self._under_way.discard)
        return await asyncio.wrap_future(request_under_way)

    def _guarded(self, request: Callable[..., T], *arguments: Any) -> T:
        try:
            self._may_write()
            return request(*arguments)
        except TrackingError:
            raise
        except Exception as error:
            # Answers are whatever JSON allows, and libraries raise what they like.
            told = f"its answer cannot be understood: {type(error).__name__}: {error}"
            raise TrackingError(told, unreachable=False) from error
