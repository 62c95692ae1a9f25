"""Lists that are behind, and stores that have gone back."""

import asyncio

import pytest

from alidade_operator.index.horizon import RESTORED_SECONDS, Horizon
from alidade_operator.kube.gateway import JOBS, PODS, UnavailableError
from tests.support.builders import job_body
from tests.support.virtual_time import in_virtual_time

ALL_JOBS, ALL_PODS = (JOBS, None), (PODS, None)


def known(version: int) -> Horizon:
    horizon = Horizon()
    for where in (ALL_JOBS, ALL_PODS):
        horizon.take_in(where)
        body = job_body()
        meta = {**body["metadata"], "resourceVersion": str(version)}
        horizon.note(where[0], {**body, "metadata": meta})
    return horizon


async def be_restored(horizon: Horizon, version: str) -> None:
    with pytest.raises(UnavailableError):
        horizon.check(ALL_JOBS, version, horizon.ask(JOBS))
    await asyncio.sleep(RESTORED_SECONDS)
    assert horizon.check(ALL_JOBS, version, horizon.ask(JOBS))
    horizon.take_in(ALL_JOBS)


@in_virtual_time
async def test_a_list_that_is_behind_is_not_taken_in() -> None:
    horizon = known(50)
    with pytest.raises(UnavailableError, match="is of version 49, which is before 50"):
        horizon.check(ALL_JOBS, "49", horizon.ask(JOBS))
    await asyncio.sleep(RESTORED_SECONDS)
    assert not horizon.check(ALL_JOBS, "50", horizon.ask(JOBS))
    # It had caught up meanwhile: this is another moment.
    with pytest.raises(UnavailableError):
        horizon.check(ALL_JOBS, "49", horizon.ask(JOBS))


@in_virtual_time
async def test_what_comes_while_a_list_is_under_way_does_not_make_it_old() -> None:
    horizon = known(50)
    asked = horizon.ask(JOBS)
    assert not horizon.check(ALL_JOBS, "50", asked)
    horizon = known(60)
    assert not horizon.check(ALL_JOBS, "50", asked)
    assert horizon.latest(JOBS) == 60


@in_virtual_time
async def test_a_list_that_comes_late_is_as_old_as_its_request() -> None:
    horizon = known(50)
    with pytest.raises(UnavailableError):
        horizon.check(ALL_JOBS, "49", horizon.ask(JOBS))
    asked = horizon.ask(JOBS)
    await asyncio.sleep(RESTORED_SECONDS)
    with pytest.raises(UnavailableError):
        horizon.check(ALL_JOBS, "49", asked)


@in_virtual_time
async def test_a_store_that_stays_behind_was_restored() -> None:
    horizon = known(50)
    await be_restored(horizon, "40")
    assert horizon.latest(JOBS) == 40
    assert not horizon.check(ALL_JOBS, "41", horizon.ask(JOBS))


@in_virtual_time
async def test_a_store_that_has_gone_back_has_for_every_kind() -> None:
    horizon = known(50)
    await be_restored(horizon, "40")
    assert horizon.mixed([ALL_JOBS, ALL_PODS])
    assert horizon.check(ALL_PODS, "55", horizon.ask(PODS))
    # The rest of it was not answered.
    assert horizon.check(ALL_PODS, "42", horizon.ask(PODS))
    horizon.take_in(ALL_PODS)
    assert not horizon.mixed([ALL_JOBS, ALL_PODS])
    assert not horizon.check(ALL_PODS, "43", horizon.ask(PODS))


@in_virtual_time
async def test_a_version_that_is_no_number_tells_nothing() -> None:
    horizon = known(50)
    assert not horizon.check(ALL_JOBS, "", horizon.ask(JOBS))
    horizon.note(JOBS, {"metadata": {"resourceVersion": "z"}})
    assert horizon.latest(JOBS) == 50
