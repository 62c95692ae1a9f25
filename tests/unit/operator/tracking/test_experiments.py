import pytest
from mlflow import MlflowClient

from alidade_operator.decide.sums.registration import Registration
from alidade_operator.tracking.mlflow import MlflowTracking
from alidade_operator.tracking.tracking import TrackingError


def known(wanted: Registration, experiment_id: str) -> Registration:
    return wanted._replace(known_id=experiment_id)


async def test_an_experiment_is_created_once_and_bears_a_tag(
    tracking: MlflowTracking, client: MlflowClient, wanted: Registration
) -> None:
    first = await tracking.register(wanted)
    assert (first.name, first.others, first.instead_of) == (wanted.name, (), None)
    assert await tracking.register(wanted) == first
    assert wanted.registrant.tag in client.get_experiment(first.experiment_id).tags


async def test_one_that_bears_our_tag_stays_whatever_the_name(
    tracking: MlflowTracking, experiment: str, wanted: Registration
) -> None:
    renamed = known(wanted, experiment)._replace(name="another name")
    assert await tracking.register(renamed) == (experiment, wanted.name, (), None)


async def test_one_of_before_tags_is_adopted_by_its_bare_name(
    tracking: MlflowTracking, client: MlflowClient, wanted: Registration
) -> None:
    bare = wanted.registrant.name
    of_old = client.create_experiment(bare)
    upgraded = known(wanted, of_old)._replace(adopted_name=bare)
    assert (await tracking.register(upgraded)).experiment_id == of_old
    assert (await tracking.register(known(wanted, of_old))).experiment_id == of_old


@pytest.mark.parametrize("lost", ["987654", "no number", "somebody else's"])
async def test_one_that_is_lost_or_anothers_is_registered_again_and_that_is_told(
    tracking: MlflowTracking, client: MlflowClient, wanted: Registration, lost: str
) -> None:
    if lost == "somebody else's":
        lost = client.create_experiment(f"their {wanted.name}")
    found = await tracking.register(known(wanted, lost)._replace(adopted_name="x"))
    assert (found.name, found.instead_of) == (wanted.name, lost)
    assert (await tracking.register(known(wanted, found.experiment_id))).instead_of is None


async def test_that_a_server_has_lost_one_is_told_though_it_gives_the_same_id_again(
    tracking: MlflowTracking, client: MlflowClient, wanted: Registration
) -> None:
    following = str(int(client.create_experiment(f"the last before {wanted.name}")) + 1)
    found = await tracking.register(known(wanted, following))
    assert (found.experiment_id, found.instead_of) == (following, following)


async def test_who_shares_an_experiment_is_told(
    tracking: MlflowTracking, client: MlflowClient, experiment: str, wanted: Registration
) -> None:
    neighbour = wanted.registrant._replace(namespace="library")
    elsewhere = wanted.registrant._replace(installation="uid-other")
    for registrant in (neighbour, elsewhere):
        await tracking.register(wanted._replace(registrant=registrant))
    client.set_experiment_tag(experiment, "alidade.dev/experiment/odd", "true")
    name = wanted.registrant.name
    found = await tracking.register(known(wanted, experiment))
    assert set(found.others) == {f"library/{name}", f"lab/{name} of another cluster"}


async def test_an_experiment_keeps_its_artifacts_where_it_is_told(
    tracking: MlflowTracking, client: MlflowClient, wanted: Registration
) -> None:
    there = wanted._replace(artifact_location="file:///results")
    created = await tracking.register(there)
    assert client.get_experiment(created.experiment_id).artifact_location == "file:///results"
    assert await tracking.register(wanted._replace(artifact_location="file:///results/")) == created
    assert await tracking.register(wanted) == created


async def test_artifacts_that_are_elsewhere_already_are_no_reason_to_go_on(
    tracking: MlflowTracking, experiment: str, wanted: Registration
) -> None:
    with pytest.raises(TrackingError, match="and not at spec") as told:
        await tracking.register(wanted._replace(artifact_location="s3://b/x"))
    assert not told.value.unreachable


async def test_a_deleted_experiment_is_not_used_and_the_way_out_is_told(
    tracking: MlflowTracking, client: MlflowClient, experiment: str, wanted: Registration
) -> None:
    client.delete_experiment(experiment)
    for asked in (wanted, known(wanted, experiment)):
        with pytest.raises(TrackingError, match="mlflow experiments restore") as told:
            await tracking.register(asked)
        assert not told.value.unreachable


async def test_what_the_image_lacks_for_a_place_of_artifacts_is_told(
    tracking: MlflowTracking, wanted: Registration
) -> None:
    with pytest.raises(TrackingError, match="MLflow cannot use it") as told:
        await tracking.register(wanted._replace(artifact_location="moon://crater"))
    assert not told.value.unreachable
