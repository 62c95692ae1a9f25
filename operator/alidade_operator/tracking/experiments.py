"""MLflow experiments: found, registered, and known again by a tag that names the Experiment."""

from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

from alidade_operator.domain.registration import Registered, Registrant, Registration, others
from alidade_operator.tracking.rest import (
    INVALID_PARAMETER_VALUE,
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
    Body,
    Rest,
)
from alidade_operator.tracking.tracking import ExperimentLostError, TrackingError

# What MLflow's stores of artifacts import when they are first used.
_LIBRARIES: Final = {
    "s3": "boto3",
    "r2": "boto3",
    "b2": "boto3",
    "gs": "google.cloud.storage",
    "wasb": "azure.storage.blob",
    "wasbs": "azure.storage.blob",
    "abfss": "azure.storage.filedatalake",
    "hdfs": "pyarrow",
    "viewfs": "pyarrow",
    "sftp": "pysftp",
}


class Experiments:
    """The MLflow experiments of one server."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def register(self, wanted: Registration) -> Registered:
        """Return the MLflow experiment that an Experiment has, or else that of its name."""
        there = self._known(wanted) or self._find_by_name(wanted.name)
        found = there or self._make(wanted)
        tags = _tags(found)
        _check(found, wanted)
        if wanted.registrant.tag not in tags:
            self._rest.post(
                "experiments/set-experiment-tag",
                experiment_id=found["experiment_id"],
                key=wanted.registrant.tag,
                value="true",
            )
        experiment_id = str(found["experiment_id"])
        # A server that was emptied counts its experiments from the beginning.
        lost = there is None or wanted.known_id != experiment_id
        return Registered(
            experiment_id,
            str(found["name"]),
            others(wanted.registrant, tags),
            wanted.known_id if lost else None,
        )

    def confirm(self, registrant: Registrant, experiment_id: str) -> None:
        """See that an experiment is there and is this one's: IDs are counted, and given again.

        Raises:
            ExperimentLostError: It is not.
        """
        found = self._find(experiment_id)
        if found is None or registrant.tag not in _tags(found):
            raise ExperimentLostError(
                f"it has no experiment {experiment_id} of {registrant.namespace}/{registrant.name}",
                unreachable=False,
            )

    def all_ids(self) -> list[list[str]]:
        """Return the IDs of all experiments, by pages."""
        pages, token = [], ""
        while True:
            page = self._rest.search("experiments", max_results=1000, page_token=token)
            pages.append([str(found["experiment_id"]) for found in page.get("experiments", ())])
            token = page.get("next_page_token") or ""
            if not token:
                return pages

    def _known(self, wanted: Registration) -> Body | None:
        found = self._find(wanted.known_id) if wanted.known_id else None
        if found is None:
            return None
        known = wanted.registrant.tag in _tags(found) or found["name"] == wanted.adopted_name
        return found if known else None

    def _make(self, wanted: Registration) -> Body:
        location = wanted.artifact_location
        try:
            self._rest.post(
                "experiments/create",
                name=wanted.name,
                tags=[{"key": wanted.registrant.tag, "value": "true"}],
                **({"artifact_location": location} if location else {}),
            )
        except TrackingError as error:
            if error.code != RESOURCE_ALREADY_EXISTS:
                raise
        found = self._find_by_name(wanted.name)
        if found is None:
            raise TrackingError(
                f"it has no experiment '{wanted.name}' just after it was registered",
                unreachable=False,
            )
        return found

    def _find(self, experiment_id: str) -> Body | None:
        return self._one("experiments/get", experiment_id=experiment_id)

    def _find_by_name(self, name: str) -> Body | None:
        return self._one("experiments/get-by-name", experiment_name=name)

    def _one(self, path: str, **which: str) -> Body | None:
        try:
            found: Body = self._rest.get(path, **which)["experiment"]
        except TrackingError as error:
            # Stores that count their experiments find other IDs invalid.
            if error.code in (RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE):
                return None
            raise
        return found


def _tags(experiment: Body) -> dict[str, str]:
    return {tag["key"]: tag.get("value", "") for tag in experiment.get("tags", ())}


def _check(found: Body, wanted: Registration) -> None:
    name, location = found["name"], str(found.get("artifact_location", ""))
    if found.get("lifecycle_stage") == "deleted":
        raise TrackingError(
            f"experiment '{name}' is deleted; restore it with "
            "`mlflow experiments restore`, or purge it with `mlflow gc`",
            unreachable=False,
        )
    asked_for = wanted.artifact_location or location
    if location.rstrip("/") != asked_for.rstrip("/"):
        raise TrackingError(
            f"experiment '{name}' keeps its artifacts at {location}, and not at "
            f"spec.artifactLocation {asked_for}; MLflow cannot move them",
            unreachable=False,
        )
    if lacking := lacking_library(location):
        raise TrackingError(
            f"experiment '{name}' keeps its artifacts at {location}: {lacking}", unreachable=False
        )


def lacking_library(location: str) -> str | None:
    """Say what this image lacks to store artifacts at a place, None where that is nothing."""
    scheme = urlsplit(location).scheme
    library = _LIBRARIES.get(scheme)
    if library and not _is_there(library):
        return (
            f"for {scheme}:// the operator's image lacks the Python library {library}; install it "
            "there and in the jobs' images, or let the tracking server store the artifacts"
        )
    try:
        get_artifact_repository(location, tracking_uri="http://localhost")
    except MlflowException as error:
        return f"MLflow cannot use it: {error.message}"
    except ImportError as error:
        return f"for {scheme}:// the operator's image lacks a Python library: {error}"
    except Exception:
        # A store that wants credentials says so when it is used.
        return None
    return None


def _is_there(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ModuleNotFoundError:
        return False
