from typing import Any

import pytest

from alidade.domain.observed import JOB_LABEL, JOB_UID_LABEL, QUEUE_LABEL
from alidade.domain.ownership import mend, owner_reference
from tests.support.builders import backing_body, job

TRAIN = job("train")
WHOLE = {JOB_LABEL: "train", JOB_UID_LABEL: "uid-train"}


def patch(**meta: Any) -> dict[str, Any] | None:
    return mend(backing_body("train", meta=meta), TRAIN)


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
    body = backing_body("train", meta={"labels": labels})
    version = {"uid": body["metadata"]["uid"], "resourceVersion": "1"}
    assert mend(body, TRAIN) == {"metadata": version | {"labels": back}}


def test_an_owner_that_was_taken_off_is_put_back_beside_the_others() -> None:
    other = {"kind": "ConfigMap", "name": "x", "uid": "x"}
    found = patch(labels=WHOLE, ownerReferences=[other])
    assert found is not None
    assert found["metadata"]["ownerReferences"] == [other, owner_reference(TRAIN)]


def test_one_that_another_controls_is_not_taken_from_it() -> None:
    other = {"kind": "CronJob", "name": "x", "uid": "x", "controller": True}
    assert patch(labels=WHOLE, ownerReferences=[other]) is None
