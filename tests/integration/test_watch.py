"""What kopf's streams tell of a real API server, and by which errors they end."""

from contextlib import aclosing

import pytest

from alidade_operator.handlers.watch import KopfWatches
from alidade_operator.kube.gateway import (
    EXPERIMENTS,
    JOBS,
    Change,
    ExpiredError,
    Kind,
    NotFoundError,
)
from tests.integration.scene import EXPERIMENT, JOB, Scene
from tests.support.control_plane import ControlPlane
from tests.support.manifests import experiment, job

NAME = "experiments.alidade.dev/e"
DEEPER_THAN_PYTHON_READS = 3000


@pytest.fixture
def watches(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> KopfWatches:
    location = "kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
    monkeypatch.setattr(location, str(plane.kubeconfig))
    return KopfWatches()


@pytest.fixture
def since(empty_scene: Scene) -> str:
    """The version of an experiment that was made, before more happens to it."""
    empty_scene.apply(experiment("e"))
    version: str = empty_scene.get(EXPERIMENT, "e")["metadata"]["resourceVersion"]
    return version


async def take(
    watches: KopfWatches,
    kind: Kind,
    namespace: str,
    since: str,
    count: int,
    *,
    selector: str | None = None,
) -> list[Change]:
    """Return the first changes that are told of objects in a namespace."""
    told: list[Change] = []
    async with watches, aclosing(watches.watch(kind, namespace, selector, since)) as stream:
        async for change in stream:
            if change.type != "BOOKMARK":
                told.append(change)
            if len(told) == count:
                break
    return told


async def test_changes_are_told_in_their_order(
    watches: KopfWatches, empty_scene: Scene, since: str
) -> None:
    empty_scene.apply(experiment("other"))
    empty_scene.kubectl("label", NAME, "seen=once")
    empty_scene.kubectl("delete", NAME)

    told = await take(watches, EXPERIMENTS, empty_scene.namespace, since, 3)

    names = [(change.type, change.body["metadata"]["name"]) for change in told]
    assert names == [("ADDED", "other"), ("MODIFIED", "e"), ("DELETED", "e")]


async def test_what_leaves_a_selector_is_told_as_deleted_by_the_server(
    watches: KopfWatches, empty_scene: Scene, since: str
) -> None:
    empty_scene.kubectl("label", NAME, "seen=once")
    empty_scene.kubectl("label", NAME, "seen-")

    told = await take(watches, EXPERIMENTS, empty_scene.namespace, since, 2, selector="seen")

    assert [change.type for change in told] == ["ADDED", "DELETED"]


async def test_of_a_version_that_is_too_old_a_list_has_to_follow(
    watches: KopfWatches, empty_scene: Scene, since: str
) -> None:
    with pytest.raises(ExpiredError):
        await take(watches, EXPERIMENTS, empty_scene.namespace, "1", 1)


async def test_a_kind_that_is_not_there_is_said_to_be_missing(
    watches: KopfWatches, empty_scene: Scene, since: str
) -> None:
    with pytest.raises(NotFoundError):
        await take(
            watches, EXPERIMENTS._replace(plural="attempts"), empty_scene.namespace, since, 1
        )


async def test_what_is_nested_too_deep_for_a_stream_is_left_to_a_list(
    watches: KopfWatches, empty_scene: Scene
) -> None:
    empty_scene.apply(job("shallow"))
    since = empty_scene.get(JOB, "shallow")["metadata"]["resourceVersion"]
    nest = "[" * DEEPER_THAN_PYTHON_READS + "]" * DEEPER_THAN_PYTHON_READS
    manifest = (
        '{"apiVersion": "alidade.dev/v1alpha1", "kind": "Job", "metadata": {"name": "deep"},'
        f' "spec": {{"experiment": "bench", "podTemplate": {{"spec": {{"x": {nest}}}}}}}}}'
    )
    path = f"/apis/alidade.dev/v1alpha1/namespaces/{empty_scene.namespace}/jobs"
    empty_scene.kubectl("create", "--raw", path, "--filename=-", stdin=manifest)

    with pytest.raises(ExpiredError):
        await take(watches, JOBS, empty_scene.namespace, since, 1)
