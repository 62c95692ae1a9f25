from typing import Any

import pytest

from alidade_operator.objects.ownership import mend, owner_reference
from alidade_operator.objects.reading import read_batch_job
from alidade_operator.objects.well_known import FLAVOR_LABEL, JOB_LABEL, JOB_UID_LABEL, QUEUE_LABEL
from tests.support.builders import batch_job_body, job

TRAIN = job("train")
WHOLE = {JOB_LABEL: "train", JOB_UID_LABEL: "uid-train"}


def patch(**meta: Any) -> dict[str, Any] | None:
    return mend(batch_job_body("train", meta=meta), TRAIN)


def test_what_lacks_nothing_is_left_alone() -> None:
    assert patch() is None
    assert patch(labels=WHOLE | {"team": "a"}) is None


@pytest.mark.parametrize(
    ("labels", "back"),
    [
        ({}, WHOLE),
        (None, WHOLE),
        ({JOB_LABEL: "train", QUEUE_LABEL: "cpu"}, {JOB_UID_LABEL: "uid-train"}),
        (WHOLE | {JOB_LABEL: "another"}, {JOB_LABEL: "train"}),
    ],
)
def test_labels_that_are_missing_or_wrong_are_put_right(
    labels: dict[str, str] | None, back: dict[str, str]
) -> None:
    body = batch_job_body("train", meta={"labels": labels})
    version = {"uid": body["metadata"]["uid"], "resourceVersion": "1"}
    assert mend(body, TRAIN) == {"metadata": version | {"labels": back}}


def test_an_owner_that_was_taken_off_is_put_back_beside_the_others() -> None:
    other = {"kind": "ConfigMap", "name": "x", "uid": "x"}
    found = patch(labels=WHOLE, ownerReferences=[other])
    assert found is not None
    assert found["metadata"]["ownerReferences"] == [
        {**other, "controller": False},
        owner_reference(TRAIN),
    ]


def test_another_that_was_made_its_controller_is_its_controller_no_more() -> None:
    other = {"kind": "CronJob", "name": "x", "uid": "x", "controller": True}
    found = patch(labels=WHOLE, ownerReferences=[other])
    assert found is not None
    assert found["metadata"]["ownerReferences"] == [
        {**other, "controller": False},
        owner_reference(TRAIN),
    ]


def with_template(pods: dict[str, str], name: str = "train", /, **meta: Any) -> dict[str, Any]:
    body = batch_job_body(name, meta=meta)
    template = {"metadata": {"labels": pods}}
    return {**body, "spec": {**body["spec"], "template": template}}


def test_the_labels_of_its_pods_say_which_ones_it_is_to_have() -> None:
    pods = WHOLE | {QUEUE_LABEL: "gpu", FLAVOR_LABEL: "spot", "team": "a"}
    found = mend(with_template(pods, labels=WHOLE | {QUEUE_LABEL: "cpu"}), TRAIN)
    assert found is not None
    assert found["metadata"]["labels"] == {QUEUE_LABEL: "gpu", FLAVOR_LABEL: "spot"}
    read = read_batch_job(with_template(pods, labels={}))
    assert (read.queue, read.flavor, read.owner_uid) == ("gpu", "spot", "uid-train")


def test_it_is_of_its_job_whatever_owner_is_written_there_but_a_copy_is_not() -> None:
    other = {"kind": "CronJob", "name": "x", "uid": "x", "controller": True}
    assert read_batch_job(with_template(WHOLE, ownerReferences=[other])).owner_uid == "uid-train"
    for owner in (other, owner_reference(TRAIN)):
        copy = with_template(WHOLE, "copy", labels=WHOLE, ownerReferences=[owner])
        assert read_batch_job(copy).owner_uid is None


@pytest.mark.parametrize(("replicas", "back"), [(1, 1), (3, 3)])
def test_how_many_pods_are_to_run_is_put_back(replicas: int, back: int) -> None:
    of = job("train", replicas=replicas)
    body = batch_job_body("train", meta={"labels": WHOLE})
    for parallelism in (0, 7):
        found = mend({**body, "spec": {**body["spec"], "parallelism": parallelism}}, of)
        assert found is not None
        assert found["spec"] == {"parallelism": back}
    assert mend({**body, "spec": {**body["spec"], "parallelism": replicas}}, of) is None
