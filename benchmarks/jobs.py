"""The jobs of benchmarks, and what they need to be there."""

import copy
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from alidade_operator.kube.gateway import BATCH_JOBS, EXPERIMENTS, PODS, QUEUES, Body
from benchmarks.paper import HOLD
from benchmarks.user import User
from tests.support.manifests import experiment, queue

_CONTROLLERS_OWN = ("job-name", "controller-uid", "batch.kubernetes.io/")
HELD: Body = {"metadata": {"labels": {HOLD: "true"}}}
"""A pod template whose pods run until they are let go."""


async def new_namespace(user: User) -> str:
    """Make a namespace; return its name."""
    namespace = f"bench-{uuid4().hex[:8]}"
    await user.create_namespace(namespace)
    return namespace


async def prepare(user: User, *, tracking: str = "None") -> str:
    """Make a namespace with a queue and an experiment; return its name."""
    namespace = await new_namespace(user)
    await user.create(QUEUES, namespace, [queue()])
    await user.create(EXPERIMENTS, namespace, [experiment(tracking=tracking)])
    return namespace


async def let_go(user: User, namespace: str, jobs: Iterable[str]) -> None:
    """Let the pods of held jobs end."""
    held = {"metadata": {"labels": {HOLD: None}}}
    pods = {
        pod["metadata"]["labels"]["alidade.dev/job"]: pod["metadata"]["name"]
        for pod in await user.all_of(PODS, namespace)
    }
    names = (pods[job] for job in jobs)
    await user.each(names, lambda name: user.gateway.patch(PODS, namespace, name, held))


async def one_of(user: User, namespace: str, name: str) -> Body:
    """Return a batch/v1 Job of the operator's, which bare ones are to be like."""
    return await user.gateway.get(BATCH_JOBS, namespace, name)


def bare_job(like: Body, name: str, **spec: Any) -> Body:
    """Return a batch/v1 Job of this name that nobody owns, else like another."""
    wanted = copy.deepcopy(like["spec"])
    wanted.pop("selector", None)
    meta = wanted["template"]["metadata"]
    for labels in (like["metadata"].get("labels", {}), meta.get("labels", {})):
        for label in [label for label in labels if label.startswith(_CONTROLLERS_OWN)]:
            del labels[label]
    meta.pop("creationTimestamp", None)
    metadata = {"name": name, "labels": like["metadata"].get("labels", {})}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {**wanted, "suspend": False, **spec},
    }
