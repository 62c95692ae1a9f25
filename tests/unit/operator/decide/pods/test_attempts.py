from datetime import timedelta
from typing import Any

import pytest

from alidade_core.contract import PEER_LOST
from alidade_operator.decide.pods.attempts import count_attempts, first_failed, latest, newest
from alidade_operator.objects.views import Pod
from tests.support.builders import NOW, ago, failed_pod, pod, stamp

GOING = {"deletionTimestamp": stamp(ago(20)), "deletionGracePeriodSeconds": 0}
"""What has its metadata more where it was asked to end before it did."""


def attempt(name: str, index: int | None, created: float = 60, ended: float = 0, **f: Any) -> Pod:
    """A failed pod of a replica, made and ended so many seconds ago."""
    meta: dict[str, Any] = {"creationTimestamp": stamp(ago(created)), **f.pop("meta", {})}
    if index is not None:
        meta["annotations"] = {"batch.kubernetes.io/job-completion-index": str(index)}
    return failed_pod(name, finished=ago(ended), meta=meta, **f)


BEFORE = 200


@pytest.mark.parametrize(
    ("pods", "name"),
    [
        ([], None),
        ([attempt("a", None, 60), attempt("b", None, 50)], "b"),
        ([attempt("a", 0, ended=5), attempt("b", 1, ended=9)], "b"),
        ([attempt("a", 1, ended=5), attempt("b", 0, ended=5)], "b"),
        ([attempt("a", 0, ended=9, code=PEER_LOST), attempt("b", 1, ended=5)], "b"),
        ([attempt("a", 0, ended=9, meta=GOING), attempt("b", 1, ended=5)], "b"),
        ([attempt("a", 0, ended=9, meta=GOING), attempt("b", 1, code=PEER_LOST)], "b"),
        ([attempt("a", 0, code=PEER_LOST, ended=5), attempt("b", 1, code=PEER_LOST, ended=9)], "b"),
        ([attempt("a", 0, BEFORE, 150), attempt("b", 0, ended=5), attempt("c", 1, ended=3)], "b"),
        ([failed_pod("a", index=0, finished=None), attempt("b", 1, ended=5)], "b"),
        ([attempt("a", 0, ended=3603, startTime=stamp(ago(3600))), attempt("b", 1, ended=5)], "b"),
    ],
    ids=[
        "none", "the last attempt of one", "the first to end", "of those of one second the first",
        "not one that lost its peer", "not one that was being deleted", "the less bad of both",
        "all lost a peer", "in the last attempts", "an end that is not known",
        "a node whose clock is behind",
    ],
)  # fmt: skip
def test_who_brought_the_others_down(pods: list[Pod], name: str | None) -> None:
    for order in (pods, pods[::-1]):
        found = first_failed(order)
        assert (found.name if found else None) == name


def test_the_last_attempt_of_each_replica_in_their_order() -> None:
    pods = [attempt("c", 1, 40), attempt("a", 1, 60), attempt("b", 0, 50)]
    assert [p.name for p in latest(pods)] == ["b", "c"]
    assert newest(pods) == pods[0]
    assert (latest([]), newest([])) == ([], None)


@pytest.mark.parametrize(
    ("indices", "attempts"),
    [([], 0), ([None], 1), ([None, None], 2), ([0, 1, 2], 1), ([0, 1, 1, 0, 1], 3)],
)
def test_replicas_are_no_attempts(indices: list[int | None], attempts: int) -> None:
    assert count_attempts([pod(f"p{n}", index=i) for n, i in enumerate(indices)]) == attempts


def test_an_end_is_read_to_the_second() -> None:
    assert failed_pod(finished=NOW - timedelta(seconds=3)).finished == ago(3)
    assert pod().finished is None
