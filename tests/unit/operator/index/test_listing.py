"""Lists against what is known: what was known before is theirs to say, what came since is not."""

import pytest

from alidade_operator.index.cache import Cache
from alidade_operator.index.listing import Listing
from alidade_operator.kube.gateway import BATCH_JOBS, EXPERIMENTS, JOBS, PODS, QUEUES, Body, Kind
from tests.support.builders import batch_job_body, experiment_body, job_body, pod_body, queue_body

BODIES = [
    (JOBS, job_body("a")),
    (PODS, pod_body("a-1", job="a")),
    (BATCH_JOBS, batch_job_body("a")),
    (EXPERIMENTS, experiment_body("a")),
    (QUEUES, queue_body("a")),
]
every_kind = pytest.mark.parametrize(
    ("kind", "body"), BODIES, ids=[kind.plural for kind, _ in BODIES]
)


def at(body: Body, version: int, uid: str = "u") -> Body:
    return {**body, "metadata": {**body["metadata"], "resourceVersion": str(version), "uid": uid}}


class Scene:
    """A cache, and a list of it under way."""

    def __init__(self, kind: Kind, *known: Body) -> None:
        self.cache = Cache(lambda _: None)
        self.kind = kind
        for body in known:
            self.cache.put(kind, body)
        self.listing = Listing(self.cache, kind, None)

    def known(self) -> set[tuple[str, int]]:
        return {(uid, version) for _, uid, version in self.cache.known(self.kind)}

    def missing(self) -> list[str]:
        return [uid for _, uid in self.listing.missing()]


@every_kind
def test_a_list_adds_renews_and_misses(kind: Kind, body: Body) -> None:
    scene = Scene(kind, at(body, 5))
    scene.listing.put(at(body, 6))
    assert scene.known() == {("u", 6)}
    assert scene.missing() == []
    assert Scene(kind, at(body, 5)).missing() == ["u"]


@every_kind
def test_after_a_restore_the_older_version_is_the_true_one(kind: Kind, body: Body) -> None:
    scene = Scene(kind, at(body, 50))
    scene.listing.put(at(body, 7))
    assert scene.known() == {("u", 7)}
    scene.cache.put(kind, at(body, 8))
    assert scene.known() == {("u", 8)}


@every_kind
def test_after_a_restore_what_was_gone_is_there_again(kind: Kind, body: Body) -> None:
    scene = Scene(kind, at(body, 50))
    scene.cache.drop(kind, "lab", body["metadata"]["name"], "u")
    late = Listing(scene.cache, kind, None)
    late.put(at(body, 7))
    assert scene.known() == {("u", 7)}


@every_kind
def test_after_a_restore_an_earlier_object_of_the_name_is_there_again(
    kind: Kind, body: Body
) -> None:
    scene = Scene(kind, at(body, 50, "second"))
    scene.listing.put(at(body, 7, "first"))
    assert scene.known() == {("first", 7)}


@every_kind
def test_what_a_watch_told_since_is_newer_than_the_list(kind: Kind, body: Body) -> None:
    scene = Scene(kind, at(body, 5))
    scene.cache.put(kind, at(body, 9))
    scene.listing.put(at(body, 6))
    assert scene.known() == {("u", 9)}


@every_kind
def test_what_has_gone_since_does_not_come_back(kind: Kind, body: Body) -> None:
    scene = Scene(kind, at(body, 5))
    scene.cache.drop(kind, "lab", body["metadata"]["name"], "u")
    scene.listing.put(at(body, 5))
    assert scene.known() == set()


@every_kind
def test_what_came_since_is_not_missed(kind: Kind, body: Body) -> None:
    scene = Scene(kind)
    scene.cache.put(kind, at(body, 9))
    assert scene.missing() == []
    scene = Scene(kind, at(body, 5))
    scene.cache.put(kind, at(body, 9))
    assert scene.missing() == []


def test_a_list_of_one_namespace_misses_nothing_in_another() -> None:
    scene = Scene(JOBS, at(job_body("a"), 5))
    assert list(Listing(scene.cache, JOBS, "other").missing()) == []


def test_an_object_that_cannot_be_read_is_there_all_the_same() -> None:
    scene = Scene(QUEUES, at(queue_body("a"), 5))
    with pytest.raises(ValueError, match="maxRunning"):
        scene.listing.put(at({**queue_body("a"), "spec": {"maxRunning": "many"}}, 6))
    assert scene.missing() == []


@pytest.mark.parametrize("turned_back", [True, False])
def test_after_a_restore_the_same_version_is_another_ones(turned_back: bool) -> None:
    scene = Scene(JOBS, at(job_body("a", priority=1), 50))
    scene.listing.turned_back = turned_back
    scene.listing.put(at(job_body("a", priority=2), 50))
    (job,) = scene.cache.jobs.values()
    assert job.spec.priority == (2 if turned_back else 1)
