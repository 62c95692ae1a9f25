"""Looks at an installation; what a right is lacking for is left out, and told."""

import re
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from alidade.doctor.facts import Facts
from alidade.errors import AlidadeError, ForbiddenError, NotFoundError
from alidade.installation import installation
from alidade.k8s.answers import Asked
from alidade.k8s.kinds import (
    ACCESS_REVIEWS,
    DEFINITIONS,
    DEPLOYMENTS,
    LEASES,
    NODES,
    PODS,
    Kind,
    kind_of,
)
from alidade.mlflow import way
from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job
from alidade_core.api.queue import Queue

if TYPE_CHECKING:
    from alidade.async_client import AsyncClient

T = TypeVar("T")
Body = dict[str, Any]

_JOBS: Final = kind_of(Job)
_RIGHTS: Final = (
    ("list", _JOBS, ""),
    ("create", _JOBS, ""),
    ("create", kind_of(Experiment), ""),
    ("list", kind_of(Queue), ""),
    ("list", PODS, ""),
    ("get", PODS, "log"),
)


class _Look:
    """Looks, and remembers what it was not let see."""

    def __init__(self) -> None:
        self.unseen: dict[str, str] = {}

    async def at(self, what: str, work: Awaitable[T]) -> T | None:
        """Return what is there, None where it cannot be looked at."""
        try:
            return await work
        except AlidadeError as error:
            self.unseen[what] = str(error)
            return None


async def facts(client: "AsyncClient") -> Facts:
    """Gather what can be known.

    Raises:
        UnreachableError: The API server is away.
    """
    kube, look = client.kube, _Look()
    namespace, (where, name) = await kube.namespace(), installation()
    version = await kube.versions()
    definitions = await look.at("definitions", kube.list(DEFINITIONS))
    told = await look.at("installation", _told(client))
    component = "app.kubernetes.io/part-of=alidade"
    operators = await look.at(
        "operator", kube.list(DEPLOYMENTS, where, installation=True, labelSelector=component)
    )
    lease = (told or {}).get("operator", f"{name}-operator")
    return Facts(
        now=datetime.now(UTC),
        namespace=namespace,
        installation=(where, name),
        kubernetes=_numbers(version),
        definitions=None
        if definitions is None
        else {each["metadata"]["name"]: each for each in definitions},
        told=told,
        operators=_of_operator(operators),
        pods=await look.at(
            "pods of the installation",
            kube.list(
                PODS,
                where,
                installation=True,
                labelSelector=f"app.kubernetes.io/instance={name}",
            ),
        ),
        lease=await look.at("lease", _or_nothing(kube.get(LEASES, lease, where))),
        mlflow=await _mlflow(client, told),
        experiments=await look.at("experiments", client.list(Experiment)),
        queues=await look.at("queues", client.list(Queue)),
        jobs=await look.at("jobs", client.list(Job)),
        nodes=await look.at("nodes", kube.list(NODES)),
        lacking=await _lacking(client, namespace),
        unseen=look.unseen,
    )


async def _told(client: "AsyncClient") -> dict[str, str]:
    try:
        return dict(await way.told_to_clients(client.kube))
    except NotFoundError:
        return {}


async def _or_nothing(work: Awaitable[Body]) -> Body:
    try:
        return await work
    except NotFoundError:
        return {}


async def _mlflow(client: "AsyncClient", told: dict[str, str] | None) -> str | None:
    """Say why MLflow cannot be used."""
    if told == {} and not way.is_set():
        # That there is no installation is told already.
        return None
    try:
        await client.check_mlflow()
    except AlidadeError as error:
        return str(error)
    return ""


async def _lacking(client: "AsyncClient", namespace: str) -> list[tuple[str, str]]:
    found = []
    for verb, kind, subresource in _RIGHTS:
        if not await _may(client, namespace, verb, kind, subresource):
            asked = Asked(verb, kind, namespace, subresource=subresource)
            found.append((asked.right, asked.role))
    return found


async def _may(
    client: "AsyncClient", namespace: str, verb: str, kind: Kind, subresource: str
) -> bool:
    attributes = {
        "verb": verb,
        "group": kind.group,
        "resource": kind.plural,
        "subresource": subresource,
        "namespace": namespace,
    }
    review = {
        "apiVersion": ACCESS_REVIEWS.version,
        "kind": "SelfSubjectAccessReview",
        "metadata": {},
        "spec": {"resourceAttributes": attributes},
    }
    try:
        answer = await client.kube.create(ACCESS_REVIEWS, review)
    except ForbiddenError:
        return False
    return bool(answer["status"]["allowed"])


def _of_operator(deployments: Sequence[Body] | None) -> Sequence[Body] | None:
    if deployments is None:
        return None
    label = "app.kubernetes.io/component"
    return [d for d in deployments if d["metadata"]["labels"].get(label) == "operator"]


def _numbers(version: Body) -> tuple[int, int] | None:
    """Return an API server's version; of some clouds the second number has a plus."""
    numbers = [re.sub(r"\D", "", version.get(part, "")) for part in ("major", "minor")]
    return (int(numbers[0]), int(numbers[1])) if all(numbers) else None
