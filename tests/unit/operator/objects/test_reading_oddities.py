"""Reading what no API server of today gives, or nobody thought of."""

from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alidade_operator.objects.reading import UnreadableError, pod, read_batch_job
from tests.support.builders import (
    batch_job_body,
    pod_body,
    running,
    terminated,
)
from tests.support.builders import pod as read_pod
from tests.support.given import BATCH_JOB, POD


@pytest.mark.parametrize(
    "index", ["", "one", "-1", "1e3", "٣", "0x1", "9" * 5000, " 1", None, 7, [], {}]
)
def test_an_index_that_is_no_number_is_none(index: Any) -> None:
    body = pod_body(meta={"annotations": {"batch.kubernetes.io/job-completion-index": index}})
    assert pod(body).index is None


@pytest.mark.parametrize(
    "time", ["", "yesterday", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", 12, None, []]
)
def test_a_time_that_is_none_is_not_known(time: Any) -> None:
    body = pod_body(phase="Running", worker=running(), meta={"creationTimestamp": time})
    assert pod(body).created is None


def test_what_is_null_is_as_what_is_absent() -> None:
    body = pod_body()
    body["spec"] = None
    body["status"] = {"conditions": None, "containerStatuses": None, "phase": None}
    body["metadata"] |= {"labels": None, "annotations": None, "ownerReferences": None}
    found = pod(body)
    assert (found.phase, found.job, found.owner_uid) == ("Pending", None, None)
    assert not read_batch_job({**body, "status": None}).ended


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"metadata": {"name": "a"}}, "metadata.namespace"),
        ({"metadata": None}, "metadata"),
        ({"status": {"conditions": [1]}}, "status.conditions.0"),
        ({"status": []}, "status"),
    ],
)
def test_what_is_no_object_of_an_api_server_is_refused_with_the_field_named(
    change: dict[str, Any], field: str
) -> None:
    for read, body in ((pod, pod_body()), (read_batch_job, batch_job_body())):
        with pytest.raises(UnreadableError, match=f"^{field}"):
            read({**body, **change})


def test_text_that_no_store_takes_is_replaced_as_it_is_read() -> None:
    found = read_pod(worker=terminated(1, message="a\ud800b\x00c\x85"), reason="\udfff")
    assert (found.reason, found.container and found.container.last_words) == ("�", "a�b�c\x85")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def spoiled(body: Any, draw: Any) -> Any:
    """Return a body with something odd in one place of it."""
    if not isinstance(body, dict | list) or not body or draw(st.integers(0, 4)) == 0:
        return draw(ANYTHING)
    if isinstance(body, list):
        return [spoiled(body[0], draw), *body[1:]]
    key = draw(st.sampled_from(sorted(body)))
    return {**body, key: spoiled(body[key], draw)}


@given(st.data())
def test_of_anything_that_json_has_there_is_a_view_or_one_clear_refusal(data: Any) -> None:
    for read, text in ((pod, POD), (read_batch_job, BATCH_JOB)):
        body = spoiled(yaml.safe_load(text), data.draw)
        with suppress(UnreadableError):
            assert hash(read(body)) is not None
