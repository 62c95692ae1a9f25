"""Tracking by MLflow, through its own client, in threads."""

import asyncio
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

# The operator retries by itself. MLflow's client may not: what it sends again after an answer was
# lost makes a second run.
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
# It prints an address at the end of each run, between the lines of the log.
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

from mlflow.entities import RunStatus, RunTag
from mlflow.exceptions import MlflowException, RestException
from mlflow.protos.databricks_pb2 import (
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
    ErrorCode,
)
from mlflow.store.entities.paged_list import PagedList
from mlflow.tracking import MlflowClient
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME
from requests import HTTPError

from alidade.domain.mlflow_run import UID_TAG
from alidade.tracking.tracking import Run, TrackingError

MAX_TAG: Final = 5000
PAGE: Final = 1000
_SERVER_ERROR = 500
T = TypeVar("T")


class MlflowTracking:
    """An MLflow tracking server.

    Args:
        uri: Where it is; credentials come from MLflow's own environment variables.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._client = MlflowClient(tracking_uri=uri)

    async def ensure_experiment(self, name: str, artifact_location: str | None) -> str:
        """Return the ID of the experiment of this name, which is created if there is none."""
        return await self._ask(self._ensure_experiment, name, artifact_location)

    async def ensure_run(
        self, experiment_id: str, name: str, tags: dict[str, str], *, search: bool
    ) -> str:
        """Return the ID of the run with the UID tag given, which is created if there is none."""
        return await self._ask(self._ensure_run, experiment_id, name, tags, search)

    async def open_runs(self, tags: dict[str, str]) -> list[Run]:
        """Return the runs of all experiments that have these tags and have not ended."""
        return await self._ask(self._open_runs, tags)

    async def end_run(self, run_id: str, end: str, tags: dict[str, str]) -> None:
        """Make the run's end this one, and add the tags; a run that is gone is let be."""
        await self._ask(self._end_run, run_id, end, tags)

    async def log_artifact(self, run_id: str, file: Path, folder: str) -> None:
        """Make a file an artifact of the run, in this folder of its artifacts."""
        await self._ask(self._log_artifact, run_id, file, folder)

    def _ensure_experiment(self, name: str, artifact_location: str | None) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is None:
            try:
                return self._client.create_experiment(name, artifact_location)
            except RestException as error:
                if error.error_code != ErrorCode.Name(RESOURCE_ALREADY_EXISTS):
                    raise
            found = self._client.get_experiment_by_name(name)
        if found is None or found.lifecycle_stage == "deleted":
            raise TrackingError(
                f"experiment '{name}' is deleted; restore it with "
                "`mlflow experiments restore`, or purge it with `mlflow gc`",
                unreachable=False,
            )
        wanted = artifact_location or found.artifact_location
        if found.artifact_location.rstrip("/") != wanted.rstrip("/"):
            raise TrackingError(
                f"experiment '{name}' keeps its artifacts at {found.artifact_location}, and not at "
                f"spec.artifactLocation {artifact_location}; MLflow cannot move them",
                unreachable=False,
            )
        return str(found.experiment_id)

    def _ensure_run(self, experiment_id: str, name: str, tags: dict[str, str], search: bool) -> str:
        if search:
            found = self._client.search_runs(
                [experiment_id], f"tags.`{UID_TAG}` = '{tags[UID_TAG]}'", max_results=1
            )
            if found:
                return str(found[0].info.run_id)
        run = self._client.create_run(
            experiment_id, tags={**_cut(tags), MLFLOW_RUN_NAME: name}, run_name=name
        )
        run_id = str(run.info.run_id)
        self._client.update_run(run_id, status=RunStatus.to_string(RunStatus.SCHEDULED))
        return run_id

    def _open_runs(self, tags: dict[str, str]) -> list[Run]:
        ends = (RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED)
        conditions = [f"attributes.status != '{RunStatus.to_string(end)}'" for end in ends]
        conditions += [f"tags.`{key}` = '{value}'" for key, value in tags.items()]
        found: list[Run] = []
        for experiments in _pages(self._client.search_experiments):
            ids = [experiment.experiment_id for experiment in experiments]
            for runs in _pages(partial(self._client.search_runs, ids, " and ".join(conditions))):
                found += [Run(run.info.run_id, run.data.tags) for run in runs]
        return found

    def _end_run(self, run_id: str, end: str, tags: dict[str, str]) -> None:
        try:
            info = self._client.get_run(run_id).info
            if info.lifecycle_stage == "deleted":
                return
            self._client.log_batch(
                run_id, tags=[RunTag(key, value) for key, value in _cut(tags).items()]
            )
            if info.status != end:
                self._client.set_terminated(run_id, status=end)
        except RestException as error:
            if error.error_code != ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
                raise

    def _log_artifact(self, run_id: str, file: Path, folder: str) -> None:
        try:
            self._client.log_artifact(run_id, str(file), folder)
        except HTTPError as error:
            # The proxy of artifacts answers by status alone; what it refuses it will refuse again.
            refused = error.response is not None and error.response.status_code < _SERVER_ERROR
            raise TrackingError(str(error), unreachable=not refused) from error
        except (MlflowException, OSError):
            raise
        except Exception as error:
            # Stores that are written to directly raise what their libraries do.
            raise TrackingError(f"{type(error).__name__}: {error}", unreachable=False) from error

    async def _ask(self, request: Callable[..., T], *arguments: Any) -> T:
        try:
            return await asyncio.to_thread(request, *arguments)
        except RestException as error:
            code: int = error.get_http_status_code()
            raise TrackingError(str(error), unreachable=code >= _SERVER_ERROR) from error
        except (MlflowException, OSError) as error:
            raise TrackingError(str(error), unreachable=True) from error


def _pages(search: Callable[..., PagedList[T]]) -> Iterator[PagedList[T]]:
    token: str | None = None
    while True:
        page = search(max_results=PAGE, page_token=token)
        yield page
        token = page.token
        if not token:
            return


def _cut(tags: dict[str, str]) -> dict[str, str]:
    return {key: value[:MAX_TAG] for key, value in tags.items() if value}
