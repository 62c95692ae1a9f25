"""Whose an MLflow run is, as its tags say."""

from collections.abc import Mapping
from typing import NamedTuple

UID_TAG = "alidade.dev/uid"
INSTALLATION_TAG = "alidade.dev/installation"
NAMESPACE_TAG = "alidade.dev/namespace"
JOB_TAG = "alidade.dev/job"
EXPERIMENT_TAG = "alidade.dev/experiment"
MAX_TAG = 5000
"""How many characters of a tag's value MLflow keeps, whatever its version and its store."""


class Owner(NamedTuple):
    """Whose a run is, as its tags say."""

    installation: str
    namespace: str
    job: str
    uid: str
    experiment: str


def owner_of(tags: Mapping[str, str]) -> Owner | None:
    """Return whose a run's tags say that it is, None where they do not."""
    uid, job = tags.get(UID_TAG), tags.get(JOB_TAG)
    namespace, experiment = tags.get(NAMESPACE_TAG), tags.get(EXPERIMENT_TAG)
    if not (uid and job and namespace and experiment):
        return None
    # An operator that is installed nowhere has no installation, and MLflow keeps no empty tag.
    return Owner(tags.get(INSTALLATION_TAG, ""), namespace, job, uid, experiment)
