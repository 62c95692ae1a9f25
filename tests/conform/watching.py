"""What a watch tells of all that has happened in one namespace, up to a moment."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from alidade_operator.kube.gateway import BATCH_JOBS, PODS, ApiError, Body, Change, Kind, Watches
from alidade_operator.objects.well_known import JOB_LABEL
from tests.conform.ledger import Ledger
from tests.conform.play import Answer, refused
from tests.conform.sides import Others
from tests.conform.steps import Step

LAST = "last"
"""The name of the object with which the moment is marked."""
Told = list[Change] | ApiError
_CONTAINER = {"name": "worker", "image": "none"}
_POD = {"containers": [_CONTAINER], "restartPolicy": "Never"}
_SPECS: dict[Kind, Body] = {
    PODS: _POD,
    BATCH_JOBS: {"suspend": True, "template": {"spec": _POD}},
}


async def mark(others: Others, kind: Kind, namespace: str) -> None:
    """Mark the moment, by an object that every watch of its kind tells of."""
    specs = {"experiments": {"workflow": {"image": "none"}, "queue": "q"}, "queues": {}}
    body = {
        "apiVersion": f"{kind.group}/{kind.version}".removeprefix("/"),
        "kind": {"pods": "Pod", "experiments": "Experiment", "queues": "Queue"}.get(
            kind.plural, "Job"
        ),
        "metadata": {"name": LAST, "labels": {JOB_LABEL: LAST}},
        "spec": _SPECS.get(kind) or specs.get(kind.plural, {"experiment": "e"}),
    }
    await others.put(kind, namespace, body)


async def told(watches: Watches, step: Step, namespace: str, version: str) -> Told:
    """Return what a watch tells up to the moment, or by what error it ends."""
    stream: Any = watches.watch(step.kind, namespace, step.given["selector"], version)
    try:
        async with aclosing(stream):
            return [change async for change in _until_marked(stream)]
    except ApiError as error:
        return error


async def _until_marked(stream: AsyncIterator[Change]) -> AsyncIterator[Change]:
    async for change in stream:
        if change.type == "BOOKMARK":
            continue
        if change.body["metadata"]["name"] == LAST:
            return
        yield change


def answer(found: Told, step: Step, ledger: Ledger, tag: str) -> Answer:
    """Return what can be compared of what was told of the objects of one sequence."""
    if isinstance(found, ApiError):
        return Answer(refused(found), words=str(found))
    own = [change for change in found if change.body["metadata"]["name"].endswith(tag)]
    noted = [{"type": c.type, "object": ledger.note(step.kind, c.body)} for c in own]
    return Answer("", noted)
