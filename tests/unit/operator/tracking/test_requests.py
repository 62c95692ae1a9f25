"""How many requests of what kind MLflow gets, which has little to give."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from alidade_operator.decide.run_owner import UID_TAG
from alidade_operator.decide.sums.registration import Registration
from alidade_operator.tracking.mlflow import MlflowTracking
from tests.support.door import Answer, Door, Request
from tests.support.tracking import TrackingServer
from tests.unit.operator.tracking.conftest import KEY

API = "/api/2.0/mlflow/"
TOLD = {"alidade.dev/state": "Finished"}


@pytest.fixture
def door(server: TrackingServer) -> Iterator[Door]:
    with Door(server.uri) as found:
        yield found


@pytest.fixture
def behind(door: Door) -> MlflowTracking:
    return MlflowTracking(door.uri, KEY)


def asked(door: Door) -> list[str]:
    """Return what was asked since this was last called."""
    found = [urlsplit(request.path).path.removeprefix(API) for request in door.seen]
    door.seen.clear()
    return found


@pytest.mark.parametrize(
    ("left_as", "then"), [("FINISHED", []), ("RUNNING", ["runs/update", "runs/get"])]
)
async def test_a_job_costs_six_requests_and_two_more_if_its_pod_did_not_end_its_run(
    *,
    door: Door,
    behind: MlflowTracking,
    server: TrackingServer,
    wanted: Registration,
    tags: dict[str, str],
    left_as: str,
    then: list[str],
) -> None:
    experiment = (await behind.register(wanted)).experiment_id
    asked(door)
    run_id = await behind.ensure_run(experiment, "train", tags, search=False)
    assert asked(door) == ["experiments/get", "runs/create", "runs/log-batch", "runs/update"]
    server.client.update_run(run_id, status=left_as)
    assert await behind.end_run(run_id, tags[UID_TAG], "FINISHED", TOLD, {})
    assert asked(door) == ["runs/log-batch", "runs/get", *then]


async def test_jobs_that_begin_and_end_together_share_what_is_only_read(
    door: Door,
    behind: MlflowTracking,
    server: TrackingServer,
    wanted: Registration,
    tags: dict[str, str],
) -> None:
    count = 6
    experiment = (await behind.register(wanted)).experiment_id
    its = [{**tags, UID_TAG: f"uid-{number}"} for number in range(count)]
    asked(door)
    runs = await asyncio.gather(
        *(behind.ensure_run(experiment, "train", each, search=False) for each in its)
    )
    assert Counter(asked(door))["experiments/get"] < count

    loop = asyncio.get_running_loop()
    arrivals = iter(range(1, count))
    all_arrived = asyncio.Event()

    def held(request: Request) -> Answer | None:
        # The first to read is not answered before all others want to read as well.
        if request.path.endswith("/log-batch") and next(arrivals, None) is None:
            loop.call_soon_threadsafe(all_arrived.set)
        if "/runs/get" in request.path:
            asyncio.run_coroutine_threadsafe(all_arrived.wait(), loop).result()
        return None

    door.rule = held
    server.client.delete_run(runs[-1])
    ends = asyncio.gather(
        *(
            behind.end_run(run_id, each[UID_TAG], "FINISHED", TOLD, {})
            for run_id, each in zip(runs, its, strict=True)
        )
    )
    assert await ends == [True] * (count - 1) + [False]
    reads = Counter(asked(door))
    assert reads["runs/search"]
    assert reads["runs/get"] + reads["runs/search"] < 2 * count
    for run_id in runs[:-1]:
        run = server.client.get_run(run_id)
        assert (run.info.status, run.data.tags["alidade.dev/state"]) == ("FINISHED", "Finished")


async def test_parameters_that_a_pod_did_not_record_are_one_request(
    door: Door, behind: MlflowTracking, wanted: Registration, tags: dict[str, str]
) -> None:
    experiment = (await behind.register(wanted)).experiment_id
    run_id = await behind.ensure_run(experiment, "train", tags, search=False)
    asked(door)
    given = {"eps": "0.1", "norm": "inf", "level": "3"}
    assert await behind.end_run(run_id, tags[UID_TAG], "FAILED", {}, given)
    assert asked(door) == ["runs/get", "runs/update", "runs/get", "runs/log-batch"]
