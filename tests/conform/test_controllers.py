"""The simulated job controller and garbage collector leave the same as the real ones."""

import asyncio
from collections.abc import Callable

import pytest

from tests.conform.comparison import SHORT, connected
from tests.conform.controllers.comparison import Recording, record, replay
from tests.support.control_plane import ControlPlane
from tests.support.simulation import api_server, job_controller, job_steps
from tests.support.simulation.garbage_collector import GarbageCollector
from tests.support.simulation.job_steps import Delete
from tests.support.simulation.pods import GRACE_SECONDS

SHARE = 10
"""A tenth as many sequences as of the API server alone: each waits for the controllers."""
TELLING = (
    *(1000, 1001, 1009, 1026, 1027, 1033, 1035, 1039, 1041, 1043),
    *(1050, 1065, 1069, 1078, 1083, 1090, 1100, 1122, 1129, 1196),
)
"""Seeds of the short form: of sequences of few steps, in which much happens."""


@pytest.fixture(scope="module")
def recordings(controlled_plane: ControlPlane, seeds: range) -> list[Recording]:
    """The sequences as they went with real controllers."""

    async def collect() -> list[Recording]:
        async with connected(controlled_plane.kubeconfig) as api:
            chosen = TELLING if len(seeds) <= SHORT else seeds[: len(seeds) // SHARE]
            return await record(api, chosen)

    return asyncio.run(collect())


def differing(recordings: list[Recording]) -> list[str]:
    """Return what of the sequences goes otherwise with the simulated controllers."""
    found = (asyncio.run(replay(recording)) for recording in recordings)
    return [difference for difference in found if difference]


def test_both_leave_the_same(recordings: list[Recording]) -> None:
    found = differing(recordings)
    assert not found, f"{len(found)} of {len(recordings)} differ, the first: {found[0]}"


Plant = Callable[[pytest.MonkeyPatch], None]


def a_failed_pod_counts_whatever_the_policy_says(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(job_steps, "verdict", lambda *_: ("Count", ""))


def a_suspended_pod_is_counted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(job_steps, "Delete", lambda pod, counted: Delete(pod, counted=True))


def a_pod_is_replaced_before_it_has_ended(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(job_steps, "terminating", lambda _: False)


def what_an_owner_waits_for_is_not_waited_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(GarbageCollector, "_dependents", lambda *_: [])


def a_pod_without_a_job_is_never_let_go(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(job_controller, "tracked", lambda _: False)


def an_ended_pod_is_given_time_to_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(api_server, "grace_of", lambda *_: GRACE_SECONDS)


FAULTS: tuple[Plant, ...] = (
    a_failed_pod_counts_whatever_the_policy_says,
    a_suspended_pod_is_counted,
    a_pod_is_replaced_before_it_has_ended,
    what_an_owner_waits_for_is_not_waited_for,
    a_pod_without_a_job_is_never_let_go,
    an_ended_pod_is_given_time_to_end,
)


@pytest.mark.parametrize("plant", FAULTS)
def test_a_planted_fault_is_found(
    plant: Plant, recordings: list[Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    assert differing(recordings)
