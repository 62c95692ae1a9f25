"""MLflow experiments: found, registered, and known again by a tag that names the Experiment."""

from alidade_operator.decide.answers import Registered
from alidade_operator.decide.sums.registration import Registrant, Registration, others
from alidade_operator.tracking.artifacts import served_at
from alidade_operator.tracking.batching import Together
from alidade_operator.tracking.rest import (
    INVALID_PARAMETER_VALUE,
    RESOURCE_ALREADY_EXISTS,
    RESOURCE_DOES_NOT_EXIST,
    Body,
    Rest,
)
from alidade_operator.tracking.store_process import Child
from alidade_operator.tracking.tracking import ExperimentLostError, TrackingError


class Experiments:
    """The MLflow experiments of one server.

    Args:
        rest: The server.
        child: What knows stores of artifacts.
    """

    def __init__(self, rest: Rest, child: Child) -> None:
        self._rest = rest
        self._child = child
        self._looks: Together[None, Body | None] = Together(
            lambda experiment_id, _: {None: self._find(experiment_id)}
        )

    def register(self, wanted: Registration) -> Registered:
        """Return the MLflow experiment that an Experiment has, or else that of its name."""
        there = self._known(wanted) or self._find_by_name(wanted.name)
        found = there or self._make(wanted)
        tags = _tags(found)
        _check(found, wanted)
        self._check_store(found)
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
        found = self._looks.get(experiment_id, None)
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

    def _check_store(self, found: Body) -> None:
        location = str(found.get("artifact_location", ""))
        if served_at("", location) is None and (lacking := self._child.lacking(location)):
            raise TrackingError(
                f"experiment '{found['name']}' keeps its artifacts at {location}: {lacking}",
                unreachable=False,
            )

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
