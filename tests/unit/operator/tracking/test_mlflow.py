from pathlib import Path

import pytest
from mlflow import MlflowClient

from alidade_operator.decide.run_owner import (
    EXPERIMENT_TAG,
    INSTALLATION_TAG,
    JOB_TAG,
    MAX_TAG,
    NAMESPACE_TAG,
    UID_TAG,
    owner_of,
)
from alidade_operator.decide.sums.registration import Registration
from alidade_operator.tracking.mlflow import MlflowTracking
from alidade_operator.tracking.runs import SURPLUS_TAG
from alidade_operator.tracking.signature import SIGNATURE_TAG, Signer
from alidade_operator.tracking.tracking import ExperimentLostError, TrackingError
from tests.support.process import free_port
from tests.support.tracking import TrackingServer
from tests.unit.operator.tracking.conftest import KEY


def signed(tags: dict[str, str], key: bytes = KEY) -> dict[str, str]:
    """Add the claim that the operator makes as it creates a run."""
    owner = owner_of(tags)
    assert owner
    return {**tags, SIGNATURE_TAG: Signer(key).claim(owner)}


async def test_a_run_is_created_ahead_of_its_pod(
    tracking: MlflowTracking, client: MlflowClient, experiment: str, tags: dict[str, str]
) -> None:
    run = client.get_run(await tracking.ensure_run(experiment, "train", tags, search=False))
    assert (run.info.run_name, run.info.status) == ("train", "SCHEDULED")
    assert run.data.tags[UID_TAG] == "uid-train"
    assert "alidade.dev/queue" not in run.data.tags


async def test_a_run_that_was_created_before_is_found_by_its_uid_alone(
    tracking: MlflowTracking, client: MlflowClient, experiment: str, tags: dict[str, str]
) -> None:
    first = await tracking.ensure_run(experiment, "train", tags, search=False)
    other = {**tags, UID_TAG: "uid-train-2"}
    assert await tracking.ensure_run(experiment, "train", tags, search=True) == first
    assert await tracking.ensure_run(experiment, "train", other, search=True) != first
    assert len(client.search_runs([experiment])) == 2


@pytest.mark.parametrize("left_as", ["SCHEDULED", "RUNNING", "FINISHED"])
async def test_the_end_of_a_run_is_made_the_jobs(
    tracking: MlflowTracking,
    client: MlflowClient,
    experiment: str,
    tags: dict[str, str],
    left_as: str,
) -> None:
    run_id = await tracking.ensure_run(experiment, "train", tags, search=False)
    client.update_run(run_id, status=left_as)
    for _ in range(2):
        await tracking.end_run(
            run_id, tags[UID_TAG], "FAILED", {"alidade.dev/reason": "OOMKilled"}, {}
        )
    run = client.get_run(run_id)
    assert run.info.status == "FAILED"
    assert run.info.end_time
    assert run.data.tags["alidade.dev/reason"] == "OOMKilled"


async def test_a_run_gets_the_parameters_that_a_killed_pod_did_not_record(
    tracking: MlflowTracking, client: MlflowClient, experiment: str, tags: dict[str, str]
) -> None:
    run_id = await tracking.ensure_run(experiment, "train", tags, search=False)
    client.log_param(run_id, "eps", 0.001)
    given = {"eps": "1e-3", "name": "x", "none": "", "long": "y" * 7000, "a\tb": "not taken"}
    for _ in range(2):
        assert await tracking.end_run(run_id, tags[UID_TAG], "FAILED", {}, given)
    params = client.get_run(run_id).data.params
    assert params == {"eps": "0.001", "name": "x", "long": "y" * 6000}


@pytest.mark.parametrize(
    ("left", "added"),
    [
        ('{"eps": "0.3", "norm": "inf", "level": 3}', {"norm": "inf"}),
        ("[1]", {}),
        ("{", {}),
        ("[" * 4000, {}),
    ],
)
async def test_a_run_gets_the_defaults_that_its_pod_left_word_of(
    *,
    tracking: MlflowTracking,
    client: MlflowClient,
    experiment: str,
    tags: dict[str, str],
    left: str,
    added: dict[str, str],
) -> None:
    run_id = await tracking.ensure_run(experiment, "train", tags, search=False)
    client.set_tag(run_id, "alidade.dev/parameters", left)
    assert await tracking.end_run(run_id, "uid-train", "FAILED", {}, {"eps": "0.1"})
    assert client.get_run(run_id).data.params == {"eps": "0.1"} | added


async def test_the_time_of_an_end_that_agrees_is_left_alone(
    tracking: MlflowTracking, client: MlflowClient, experiment: str, tags: dict[str, str]
) -> None:
    run_id = await tracking.ensure_run(experiment, "train", tags, search=False)
    client.set_terminated(run_id, "FINISHED", end_time=12345)
    await tracking.end_run(run_id, tags[UID_TAG], "FINISHED", {}, {})
    assert client.get_run(run_id).info.end_time == 12345


async def test_a_tag_longer_than_mlflow_takes_is_cut(
    tracking: MlflowTracking, client: MlflowClient, experiment: str, tags: dict[str, str]
) -> None:
    run_id = await tracking.ensure_run(experiment, "train", tags, search=False)
    await tracking.end_run(
        run_id, tags[UID_TAG], "FAILED", {"alidade.dev/message": "x" * 2 * MAX_TAG}, {}
    )
    assert client.get_run(run_id).data.tags["alidade.dev/message"] == "x" * MAX_TAG


async def test_what_no_store_takes_in_a_tag_does_not_keep_a_run_from_its_end(
    tracking: MlflowTracking, client: MlflowClient, experiment: str, tags: dict[str, str]
) -> None:
    run_id = await tracking.ensure_run(experiment, "train", tags, search=False)
    assert await tracking.end_run(
        run_id, tags[UID_TAG], "FAILED", {"alidade.dev/message": "half \ud8ed, \0"}, {}
    )
    assert client.get_run(run_id).data.tags["alidade.dev/message"] == "half \ufffd, \ufffd"


async def test_open_runs_are_those_of_the_installation_that_have_not_ended(
    tracking: MlflowTracking,
    client: MlflowClient,
    experiment: str,
    tags: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("alidade_operator.tracking.runs.PAGE", 1)
    made = {}
    for name in ("SCHEDULED", "RUNNING", "FINISHED", "FAILED", "KILLED"):
        its = {**tags, UID_TAG: f"{experiment}-{name}"}
        made[name] = await tracking.ensure_run(experiment, name, its, search=False)
        client.update_run(made[name], status=name)
    found = await tracking.open_runs(tags[INSTALLATION_TAG])
    here = {run.run_id for run in found if run.owner.uid.startswith(f"{experiment}-")}
    assert here == {made["SCHEDULED"], made["RUNNING"]}
    assert await tracking.open_runs("another") == []


@pytest.mark.parametrize("lacking", [UID_TAG, NAMESPACE_TAG, JOB_TAG, EXPERIMENT_TAG, "seal"])
async def test_runs_that_only_say_that_they_are_ours_are_not_taken_for_it(
    tracking: MlflowTracking,
    client: MlflowClient,
    experiment: str,
    tags: dict[str, str],
    lacking: str,
) -> None:
    its = {**tags, UID_TAG: f"odd-{experiment}"}
    ours = await tracking.ensure_run(experiment, "train", its, search=False)
    copied = client.get_run(ours).data.tags
    forged = {key: value for key, value in copied.items() if key.startswith("alidade.dev/")}
    forged.pop(lacking, None)
    client.create_run(experiment, tags=forged, start_time=0)
    client.create_run(experiment, tags={**forged, NAMESPACE_TAG: "kube-system"}, start_time=0)
    client.create_run(experiment, tags=signed(its, b"guessed"), start_time=0)
    found = await tracking.open_runs(tags[INSTALLATION_TAG])
    assert [run.run_id for run in found if run.owner.uid == f"odd-{experiment}"] == [ours]
    assert await tracking.ensure_run(experiment, "train", its, search=True) == ours


async def test_a_run_of_an_earlier_process_that_was_not_sealed_yet_is_found(
    tracking: MlflowTracking, client: MlflowClient, experiment: str, tags: dict[str, str]
) -> None:
    run_id = client.create_run(experiment, tags=signed(tags)).info.run_id
    for _ in range(2):
        assert await tracking.ensure_run(experiment, "train", tags, search=True) == run_id
    run = client.get_run(run_id)
    assert run.info.status == "SCHEDULED"
    assert run.data.tags[SIGNATURE_TAG] != signed(tags)[SIGNATURE_TAG]


async def test_of_several_runs_of_a_job_the_oldest_is_right_and_the_others_are_ended(
    tracking: MlflowTracking, client: MlflowClient, experiment: str, tags: dict[str, str]
) -> None:
    claimed = client.create_run(experiment, tags=signed(tags), start_time=1).info.run_id
    first = await tracking.ensure_run(experiment, "train", tags, search=False)
    late = await tracking.ensure_run(experiment, "train", tags, search=False)
    client.create_run(experiment, tags=signed(tags, b"guessed"), start_time=0)
    for _ in range(2):
        assert await tracking.ensure_run(experiment, "train", tags, search=True) == first
    for surplus in (claimed, late):
        run = client.get_run(surplus)
        assert (run.info.status, run.data.tags[SURPLUS_TAG]) == ("KILLED", first)


async def test_the_right_run_of_a_job_is_found_in_whichever_experiment_it_ended(
    tracking: MlflowTracking, client: MlflowClient, experiment: str, tags: dict[str, str]
) -> None:
    its = {**tags, UID_TAG: f"left-{experiment}"}
    assert await tracking.right_run(its[UID_TAG]) is None
    later = client.create_experiment(f"another {experiment}")
    client.create_run(later, tags=signed(its), start_time=0)
    client.create_run(experiment, tags=signed(its, b"guessed"), start_time=0)
    first = await tracking.ensure_run(experiment, "train", its, search=False)
    right = await tracking.ensure_run(experiment, "train", its, search=False)
    assert await tracking.right_run(its[UID_TAG]) == first
    await tracking.end_run(right, its[UID_TAG], "FINISHED", {}, {})
    assert await tracking.right_run(its[UID_TAG]) == right


async def test_a_run_is_made_in_no_experiment_but_its_own(
    tracking: MlflowTracking, client: MlflowClient, experiment: str, tags: dict[str, str]
) -> None:
    others = client.create_experiment(f"of somebody else {experiment}")
    for lost in (others, "987654", "no number"):
        with pytest.raises(ExperimentLostError, match="it has no experiment"):
            await tracking.ensure_run(lost, "train", tags, search=False)
    assert client.search_runs([others]) == []


async def test_a_run_that_is_gone_is_told_and_let_be(
    tracking: MlflowTracking, client: MlflowClient, experiment: str, tags: dict[str, str]
) -> None:
    assert not await tracking.end_run("0" * 32, tags[UID_TAG], "FAILED", {"a": "b"}, {})
    deleted = await tracking.ensure_run(experiment, "train", tags, search=False)
    client.delete_run(deleted)
    assert not await tracking.end_run(deleted, tags[UID_TAG], "FAILED", {"a": "b"}, {})
    assert client.get_run(deleted).info.lifecycle_stage == "deleted"


async def test_a_run_of_another_job_is_let_be(
    tracking: MlflowTracking,
    client: MlflowClient,
    experiment: str,
    tags: dict[str, str],
    tmp_path: Path,
) -> None:
    others = await tracking.ensure_run(experiment, "train", tags, search=False)
    strangers = client.create_run(experiment).info.run_id
    file = tmp_path / "worker.log"
    file.write_text("said")
    for run_id in (others, strangers):
        before = client.get_run(run_id).to_dictionary()
        assert not await tracking.end_run(run_id, "uid-of-another", "FAILED", {"a": "b"}, {})
        with pytest.raises(TrackingError, match=f"it has no run {run_id} of this job") as told:
            await tracking.log_artifact(run_id, "uid-of-another", file, "logs/p")
        assert told.value.code == "RESOURCE_DOES_NOT_EXIST"
        assert client.get_run(run_id).to_dictionary() == before
        assert client.list_artifacts(run_id) == []


async def test_one_that_does_not_lead_any_more_asks_for_nothing(
    server: TrackingServer, client: MlflowClient, experiment: str, tags: dict[str, str]
) -> None:
    left = [10.0]
    paused = MlflowTracking(server.uri, KEY, lambda: left[0])
    left[0] = -1
    with pytest.raises(TrackingError, match="does not lead any more"):
        await paused.ensure_run(experiment, "train", tags, search=False)
    assert client.search_runs([experiment]) == []


async def test_one_that_is_paused_between_two_requests_changes_nothing_more(
    *,
    tracking: MlflowTracking,
    server: TrackingServer,
    client: MlflowClient,
    experiment: str,
    tags: dict[str, str],
    tmp_path: Path,
) -> None:
    run_id = await tracking.ensure_run(experiment, "train", tags, search=False)
    log = tmp_path / "worker.log"
    log.write_text("said")
    # What a run is like, and where its artifacts are, is asked before anything is written.
    left = iter([10.0, 10.0, -1.0] * 2)
    paused = MlflowTracking(server.uri, KEY, lambda: next(left))
    with pytest.raises(TrackingError, match="does not lead any more"):
        await paused.end_run(run_id, tags[UID_TAG], "FAILED", {"a": "b"}, {})
    with pytest.raises(TrackingError, match="does not lead any more"):
        await paused.log_artifact(run_id, tags[UID_TAG], log, "logs")
    run = client.get_run(run_id)
    assert (run.info.status, "a" in run.data.tags) == ("SCHEDULED", False)
    assert client.list_artifacts(run_id) == []


async def test_a_server_that_is_away_is_unreachable(wanted: Registration) -> None:
    with pytest.raises(TrackingError, match="Connection refused") as told:
        await MlflowTracking(f"http://127.0.0.1:{free_port()}", KEY).register(wanted)
    assert told.value.unreachable
