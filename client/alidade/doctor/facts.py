"""What is known of an installation, and what could not be looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job
from alidade_core.api.queue import Queue

Body = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        what: What is wrong, in one line.
        remedy: What to do.
    """

    what: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was found. What could not be looked at is None, and `unseen` says why.

    Attributes:
        now: When it was looked at.
        namespace: The user's namespace.
        installation: Namespace and name of the installation.
        kubernetes: The API server's version, as 1.34.
        definitions: CustomResourceDefinitions by their names.
        told: What the installation tells clients; empty where there is none.
        operators: Deployments of the operator.
        pods: Pods of the installation.
        lease: The Lease by which the operator leads; empty where there is none.
        mlflow: Why MLflow cannot be used; empty where it can.
        experiments: Those of the namespace.
        queues: Those of the namespace.
        jobs: Those of the namespace.
        nodes: Those of the cluster.
        lacking: Rights that the user lacks, and who has them.
        unseen: Why something could not be looked at, by what it is.
    """

    now: datetime
    namespace: str
    installation: tuple[str, str]
    kubernetes: tuple[int, int] | None = None
    definitions: Mapping[str, Body] | None = None
    told: Mapping[str, str] | None = None
    operators: Sequence[Body] | None = None
    pods: Sequence[Body] | None = None
    lease: Body | None = None
    mlflow: str | None = None
    experiments: Sequence[Experiment] | None = None
    queues: Sequence[Queue] | None = None
    jobs: Sequence[Job] | None = None
    nodes: Sequence[Body] | None = None
    lacking: Sequence[tuple[str, str]] = ()
    unseen: Mapping[str, str] = field(default_factory=dict)
