"""An Experiment's MLflow experiment: which one it is, and what is said of it."""

from typing import NamedTuple

from alidade_core.api.base import Condition
from alidade_core.api.experiment import Experiment, Tracking
from alidade_core.api.reason import Reason
from alidade_core.words import quoted_list
from alidade_operator.decide.answers import Registered

_MARK = "alidade.dev/experiment"
# Stands for the UID of an operator that is installed nowhere.
_NO_INSTALLATION = "local"


class Registrant(NamedTuple):
    """An Experiment, in the eyes of an MLflow server that other clusters may use too."""

    installation: str
    namespace: str
    name: str

    @property
    def tag(self) -> str:
        """The key of the tag by which its MLflow experiment is known again."""
        return "/".join((_MARK, self.installation or _NO_INSTALLATION, self.namespace, self.name))


class Registration(NamedTuple):
    """What is wanted of MLflow for an Experiment.

    Attributes:
        registrant: The Experiment.
        name: Name of the MLflow experiment, where none is known.
        artifact_location: Where its artifacts are to be; None leaves it to the server.
        known_id: ID of the one that it has, by its status.
        adopted_name: A name by which that one may be known too, if it bears no tag.
    """

    registrant: Registrant
    name: str
    artifact_location: str | None = None
    known_id: str | None = None
    adopted_name: str | None = None


def registration(experiment: Experiment, installation: str) -> Registration:
    """Return what is wanted of MLflow for an Experiment."""
    metadata, spec, status = experiment.metadata, experiment.spec, experiment.status
    # Until 0.1 a status named no MLflow experiment, which had the bare name of the resource.
    of_old = status.mlflow_experiment_id is not None and status.mlflow_experiment is None
    return Registration(
        registrant=Registrant(installation, metadata.namespace, metadata.name),
        name=spec.mlflow_experiment or f"{metadata.namespace}/{metadata.name}",
        artifact_location=spec.artifact_location,
        known_id=status.mlflow_experiment_id,
        adopted_name=metadata.name if of_old else None,
    )


def others(registrant: Registrant, tags: dict[str, str]) -> tuple[str, ...]:
    """Return who else has left a tag on an MLflow experiment, in words."""
    found = []
    for key in sorted(tags):
        parts = key.removeprefix(f"{_MARK}/").split("/")
        if (
            not key.startswith(f"{_MARK}/")
            or key == registrant.tag
            or len(parts) != len(registrant)
        ):
            continue
        installation, namespace, name = parts
        here = installation == (registrant.installation or _NO_INSTALLATION)
        found.append(f"{namespace}/{name}" + ("" if here else " of another cluster"))
    return tuple(found)


def registered_as(
    experiment: Experiment, registered: Registered | None
) -> tuple[str | None, str | None]:
    """Return the ID and the name of an Experiment's MLflow experiment, as far as they are known."""
    if experiment.spec.tracking is not Tracking.MLFLOW:
        return None, None
    if registered is not None:
        return registered.experiment_id, registered.name
    return experiment.status.mlflow_experiment_id, experiment.status.mlflow_experiment


def readiness(
    experiment: Experiment,
    installation: str,
    registered: Registered | None,
    trouble: str | None,
    *,
    away: bool,
) -> tuple[bool, str, str]:
    """Say whether runs can be recorded for an Experiment: status, reason and message of Ready.

    Args:
        experiment: The Experiment.
        installation: UID that the operator's installation is known by.
        registered: Its MLflow experiment, None where it was not looked for yet.
        trouble: What MLflow has against it.
        away: Whether that is that it gives no answer.
    """
    known = experiment.status.mlflow_experiment_id
    if experiment.spec.tracking is not Tracking.MLFLOW:
        return True, Reason.NOT_TRACKED, "its jobs have no MLflow runs"
    if trouble and not (away and (known or registered)):
        return False, Reason.TRACKING_UNAVAILABLE, trouble
    if registered is None:
        return _as_before(experiment)
    told = _ready(experiment)
    if registered.instead_of:
        reason = Reason.REGISTERED_AGAIN
    elif told and told.reason == Reason.REGISTERED_AGAIN and registered.experiment_id == known:
        # It stays written there: measurements before and after are in different places.
        return True, told.reason, told.message
    else:
        reason = Reason.REGISTERED
    return True, reason, _said_of(registered, registration(experiment, installation))


def _as_before(experiment: Experiment) -> tuple[bool, str, str]:
    """Say what is in the status already, until MLflow was asked."""
    known, told = experiment.status.mlflow_experiment_id, _ready(experiment)
    if not known:
        return False, Reason.REGISTERING, "is being registered in MLflow"
    if told is not None:
        return told.status == "True", told.reason, told.message
    return True, Reason.REGISTERED, f"MLflow experiment {known}"


def _ready(experiment: Experiment) -> Condition | None:
    return next((c for c in experiment.status.conditions if c.type == "Ready"), None)


def _said_of(registered: Registered, wanted: Registration) -> str:
    said = f"MLflow experiment {registered.experiment_id}, '{registered.name}'"
    if registered.name != wanted.name:
        said += f"; it keeps that one, though its name would be '{wanted.name}' now"
    if registered.instead_of:
        said += (
            f"; experiment {registered.instead_of}, which it had before, is not there any more, or "
            "is another's: the tracking server is another one, or has lost its database"
        )
    if registered.others:
        said += f"; {quoted_list(registered.others)} record runs in it as well"
    return said
