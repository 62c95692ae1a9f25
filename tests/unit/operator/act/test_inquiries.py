from collections.abc import AsyncIterator

import pytest

from alidade_operator.act.inquiries import is_ending, read_traces, read_warnings, read_workload
from alidade_operator.decide.answers import Trace
from alidade_operator.kube.gateway import (
    EVENTS,
    WORKLOADS,
    ApiError,
    Body,
    ForbiddenError,
    Kind,
    NotFoundError,
    UnavailableError,
)
from tests.support.builders import NAMESPACE, NOW, stamp
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance
from tests.support.simulation.gateway import UnreliableGateway
from tests.support.virtual_time import in_virtual_time


class Gateway(UnreliableGateway):
    """A gateway with one Workload, which may refuse to tell of it."""

    refusal: ApiError | None = None

    def __init__(self) -> None:
        server = ApiServer(lambda *_: None)
        super().__init__(server, Chance(seed=0, mishaps=0), lambda: None)
        condition = {"type": "QuotaReserved", "status": "False", "message": "no quota"}
        labels = {"kueue.x-k8s.io/job-uid": "uid-1"}
        body = {"metadata": {"name": "w", "labels": labels}, "spec": {}}
        server.place(WORKLOADS, {**body, "status": {"conditions": [condition]}})
        self.server = server
        for uid in ("uid-1", "uid-2"):
            event = {"regarding": {"uid": uid}, "deprecatedLastTimestamp": stamp(NOW)}
            event |= {"type": "Warning", "reason": "FailedCreate"}
            note = f"Error creating: {uid} is refused"
            server.place(EVENTS, {"metadata": {"name": uid}, "note": note, **event})

    async def list_all(
        self,
        kind: Kind,
        namespace: str | None,
        selector: str | None = None,
        *,
        fields: str | None = None,
    ) -> AsyncIterator[Body]:
        if self.refusal:
            raise self.refusal
        async for body in super().list_all(kind, namespace, selector, fields=fields):
            yield body

    async def get(self, kind: Kind, namespace: str, name: str) -> Body:
        if self.refusal:
            raise self.refusal
        return await super().get(kind, namespace, name)


@in_virtual_time
async def test_the_workload_of_a_batch_job_is_found_by_its_uid() -> None:
    gateway = Gateway()
    assert (await read_workload(gateway, NAMESPACE, "uid-1", NOW)).message == "no quota"
    assert not (await read_workload(gateway, NAMESPACE, "uid-2", NOW)).found


@in_virtual_time
async def test_the_warnings_about_an_object_are_found_by_its_uid() -> None:
    view = await read_warnings(Gateway(), NAMESPACE, "uid-2", NOW)
    assert (view.message, view.at) == ("uid-2 is refused", NOW)


@in_virtual_time
async def test_which_pods_of_a_batch_job_were_stopped_is_read_off_events() -> None:
    gateway = Gateway()
    for name, about, reason, note in (
        ("c", {"kind": "Job", "uid": "uid-1"}, "SuccessfulCreate", "Created pod: train-1"),
        ("d", {"kind": "Job", "uid": "uid-2"}, "SuccessfulCreate", "Created pod: other-1"),
        ("e", {"kind": "Pod", "name": "train-1"}, "Killing", "Stopping container worker"),
    ):
        event = {"regarding": about, "type": "Normal", "reason": reason, "note": note}
        gateway.server.place(EVENTS, {"metadata": {"name": name}, **event})
    assert await read_traces(gateway, NAMESPACE, "uid-1") == (Trace("train-1", stopped=True),)
    gateway.refusal = ForbiddenError("events is forbidden")
    assert await read_traces(gateway, NAMESPACE, "uid-1") == ()


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        (NotFoundError("404"), "there is no Kueue on this cluster"),
        (ForbiddenError("workloads is forbidden"), "why is not known: workloads is forbidden"),
    ],
)
def test_why_nothing_is_known_is_told(refusal: ApiError, says: str) -> None:
    @in_virtual_time
    async def check() -> None:
        gateway = Gateway()
        gateway.refusal = refusal
        view = await read_workload(gateway, NAMESPACE, "uid-1", NOW)
        assert says in view.message
        assert not view.found

    check()


@in_virtual_time
async def test_an_api_server_that_is_away_is_asked_again() -> None:
    gateway = Gateway()
    gateway.refusal = UnavailableError("away")
    with pytest.raises(UnavailableError):
        await read_workload(gateway, NAMESPACE, "uid-1", NOW)


@in_virtual_time
async def test_a_namespace_ends_that_is_being_deleted_or_gone() -> None:
    gateway = Gateway()
    assert not await is_ending(gateway, NAMESPACE)
    assert await is_ending(gateway, "gone")
    gateway.server.end(NAMESPACE)
    assert await is_ending(gateway, NAMESPACE)


@in_virtual_time
async def test_a_namespace_that_may_not_be_read_is_not_taken_to_end() -> None:
    gateway = Gateway()
    gateway.server.end(NAMESPACE)
    gateway.refusal = ForbiddenError("RBAC")
    assert not await is_ending(gateway, NAMESPACE)
