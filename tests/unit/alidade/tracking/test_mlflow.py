from collections.abc import Iterator

import pytest
from mlflow import MlflowClient

from alidade.domain.mlflow_run import INSTALLATION_TAG, UID_TAG
from alidade.tracking.mlflow import MAX_TAG, MlflowTracking
from alidade.tracking.tracking import TrackingError
from tests.support.process import free_port
from tests.support.tracking import TrackingServer

TAGS = {UID_TAG: "uid-train", "alidade.dev/job": "train", "alidade.dev/queue": ""}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    with TrackingServer(tmp_path_factory.mktemp("mlflow")) as running:
        yield running


@pytest.fixture
def client(server: TrackingServer) -> MlflowClient:
    return server.client


@pytest.fixture
def tracking(server: TrackingServer) -> MlflowTracking:
    return MlflowTracking(server.uri)


@pytest.fixture
async def experiment(tracking: MlflowTracking, request: pytest.FixtureRequest) -> str:
    return await tracking.ensure_experiment(request.node.name, None)


async def test_an_experiment_is_created_once(tracking: MlflowTracking) -> None:
    first = await tracking.ensure_experiment("mnist", None)
    assert await tracking.ensure_experiment("mnist", None) == first


async def test_an_experiment_keeps_its_artifacts_where_it_is_told(
    tracking: MlflowTracking, client: MlflowClient
) -> None:
    created = await tracking.ensure_experiment("elsewhere", "s3://bucket/elsewhere")
    assert client.get_experiment(created).artifact_location == "s3://bucket/elsewhere"
    assert await tracking.ensure_experiment("elsewhere", "s3://bucket/elsewhere/") == created
    assert await tracking.ensure_experiment("elsewhere", None) == created


async def test_artifacts_that_are_elsewhere_already_are_no_reason_to_go_on(
    tracking: MlflowTracking, experiment: str, client: MlflowClient
) -> None:
    name = client.get_experiment(experiment).name
    with pytest.raises(TrackingError, match="and not at spec") as told:
        await tracking.ensure_experiment(name, "s3://b/x")
    assert not told.value.unreachable


async def test_a_deleted_experiment_is_not_used_and_the_way_out_is_told(
    tracking: MlflowTracking, client: MlflowClient, experiment: str
) -> None:
    name = client.get_experiment(experiment).name
    client.delete_experiment(experiment)
    with pytest.raises(TrackingError, match="mlflow experiments restore") as told:
        await tracking.ensure_experiment(name, None)
    assert not told.value.unreachable


async def test_a_run_is_created_ahead_of_its_pod(
    tracking: MlflowTracking, client: MlflowClient, experiment: str
) -> None:
    run = client.get_run(await tracking.ensure_run(experiment, "train", TAGS, search=False))
    assert (run.info.run_name, run.info.status) == ("train", "SCHEDULED")
    assert run.data.tags[UID_TAG] == "uid-train"
    assert "alidade.dev/queue" not in run.data.tags


async def test_a_run_that_was_created_before_is_found_by_its_uid_alone(
    tracking: MlflowTracking, client: MlflowClient, experiment: str
) -> None:
    first = await tracking.ensure_run(experiment, "train", TAGS, search=False)
    other = {**TAGS, UID_TAG: "uid-train-2"}
    assert await tracking.ensure_run(experiment, "train", TAGS, search=True) == first
    assert await tracking.ensure_run(experiment, "train", other, search=True) != first
    assert len(client.search_runs([experiment])) == 2


@pytest.mark.parametrize("left_as", ["SCHEDULED", "RUNNING", "FINISHED"])
async def test_the_end_of_a_run_is_made_the_jobs(
    tracking: MlflowTracking, client: MlflowClient, experiment: str, left_as: str
) -> None:
    run_id = await tracking.ensure_run(experiment, "train", TAGS, search=False)
    client.update_run(run_id, status=left_as)
    for _ in range(2):
        await tracking.end_run(run_id, "FAILED", {"alidade.dev/reason": "OOMKilled"})
    run = client.get_run(run_id)
    assert run.info.status == "FAILED"
    assert run.info.end_time
    assert run.data.tags["alidade.dev/reason"] == "OOMKilled"


async def test_the_time_of_an_end_that_agrees_is_left_alone(
    tracking: MlflowTracking, client: MlflowClient, experiment: str
) -> None:
    run_id = await tracking.ensure_run(experiment, "train", TAGS, search=False)
    client.set_terminated(run_id, "FINISHED", end_time=12345)
    await tracking.end_run(run_id, "FINISHED", {})
    assert client.get_run(run_id).info.end_time == 12345


async def test_a_tag_longer_than_mlflow_takes_is_cut(
    tracking: MlflowTracking, client: MlflowClient, experiment: str
) -> None:
    run_id = await tracking.ensure_run(experiment, "train", TAGS, search=False)
    await tracking.end_run(run_id, "FAILED", {"alidade.dev/message": "x" * 2 * MAX_TAG})
    assert client.get_run(run_id).data.tags["alidade.dev/message"] == "x" * MAX_TAG


async def test_open_runs_are_those_that_have_not_ended_and_have_the_tags(
    tracking: MlflowTracking,
    client: MlflowClient,
    experiment: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("alidade.tracking.mlflow.PAGE", 1)
    mine = {INSTALLATION_TAG: "i"}
    other = await tracking.ensure_experiment("another", None)
    made = {}
    for name in ("SCHEDULED", "RUNNING", "FINISHED", "FAILED", "KILLED"):
        tags = {UID_TAG: name, **mine}
        where = other if name == "RUNNING" else experiment
        made[name] = await tracking.ensure_run(where, name, tags, search=False)
        client.update_run(made[name], status=name)
    await tracking.ensure_run(experiment, "another", {UID_TAG: "a"}, search=False)

    found = await tracking.open_runs(mine)
    assert {run.run_id for run in found} == {made["SCHEDULED"], made["RUNNING"]}
    assert {run.tags[UID_TAG] for run in found} == {"SCHEDULED", "RUNNING"}


async def test_a_run_that_is_gone_is_let_be(
    tracking: MlflowTracking, client: MlflowClient, experiment: str
) -> None:
    await tracking.end_run("0" * 32, "FAILED", {"a": "b"})
    deleted = await tracking.ensure_run(experiment, "train", TAGS, search=False)
    client.delete_run(deleted)
    await tracking.end_run(deleted, "FAILED", {"a": "b"})
    assert client.get_run(deleted).info.lifecycle_stage == "deleted"


async def test_a_refusal_is_told_in_mlflows_words(tracking: MlflowTracking) -> None:
    with pytest.raises(TrackingError, match="No Experiment with id=9999") as told:
        await tracking.ensure_run("9999", "train", TAGS, search=False)
    assert not told.value.unreachable


async def test_a_server_that_is_away_is_unreachable() -> None:
    with pytest.raises(TrackingError) as told:
        await MlflowTracking(f"http://127.0.0.1:{free_port()}").ensure_experiment("mnist", None)
    assert told.value.unreachable
