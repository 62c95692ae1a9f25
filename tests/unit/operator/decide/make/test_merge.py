from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alidade_operator.decide.make.merge import difference, merge

WORKER = {"name": "worker", "image": "a", "command": ["a", "b"]}


@pytest.mark.parametrize(
    ("base", "overlay", "merged"),
    [
        ({"a": 1, "b": 2}, {"b": 3, "c": 4}, {"a": 1, "b": 3, "c": 4}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"a": {"b": 1}}, {"a": "text"}, {"a": "text"}),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}, {"key": "a"}]},
         {"tolerations": [{"key": "a"}, {"key": "b"}]}),
        ({"containers": [WORKER]}, {"containers": [{"name": "worker", "image": "b"}]},
         {"containers": [{**WORKER, "image": "b"}]}),
        ({"containers": [WORKER]}, {"containers": [{"name": "sidecar"}]},
         {"containers": [WORKER, {"name": "sidecar"}]}),
        ({"containers": [WORKER]}, {"containers": [{"name": "worker", "command": ["c"]}]},
         {"containers": [{**WORKER, "command": ["c"]}]}),
        ({"volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]},
         {"volumeMounts": [{"name": "ram", "mountPath": "/tmp"}]},
         {"volumeMounts": [{"name": "ram", "mountPath": "/tmp"}]}),
        ({"ports": [{"containerPort": 1}]}, {"ports": [{"containerPort": 1, "name": "web"}]},
         {"ports": [{"containerPort": 1, "name": "web"}]}),
        ({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
         {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {}}}]},
         {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {}}}, {"name": "B", "value": "2"}]}),
        ({"volumes": [{"name": "tmp", "emptyDir": {}}]},
         {"volumes": [{"name": "tmp", "persistentVolumeClaim": {"claimName": "c"}}]},
         {"volumes": [{"name": "tmp", "persistentVolumeClaim": {"claimName": "c"}}]}),
    ],
    ids=[
        "fields", "nested", "other type", "list without key", "same container", "other container",
        "command as a whole", "mount by path", "port by number", "variable as a whole",
        "volume as a whole",
    ],
)  # fmt: skip
def test_the_overlay_is_laid_over_the_base(
    base: dict[str, Any], overlay: dict[str, Any], merged: dict[str, Any]
) -> None:
    assert merge(base, overlay) == merged


@pytest.mark.parametrize("item", [{"image": "nameless"}, "text", 3, None, {"name": ["a"]}])
def test_an_item_without_its_key_is_kept_for_the_api_server_to_refuse(item: object) -> None:
    assert merge({"containers": [WORKER]}, {"containers": [item]}) == {"containers": [WORKER, item]}


leaves = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "a", "b"])
fields = st.sampled_from(["containers", "env", "volumes", "command", "name", "spec", "x"])
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(fields, values, max_size=4)


@given(objects, objects)
def test_anything_can_be_merged_and_neither_side_changes(
    base: dict[str, Any], overlay: dict[str, Any]
) -> None:
    before = deepcopy((base, overlay))
    merged = merge(base, overlay)
    assert (base, overlay) == before
    assert merged.keys() == base.keys() | overlay.keys()


@given(objects)
def test_nothing_laid_over_changes_nothing(base: dict[str, Any]) -> None:
    assert merge(base, {}) == base
    assert merge({}, base) == base


def merged(base: Any, patch: Any) -> Any:
    """Merge a patch as RFC 7386 tells."""
    if not isinstance(patch, dict):
        return patch
    found = base if isinstance(base, dict) else {}
    kept = {k: v for k, v in found.items() if patch.get(k, "") is not None}
    changed = {k: merged(found.get(k), v) for k, v in patch.items() if v is not None}
    return kept | changed


VALUES = st.recursive(
    st.integers() | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), VALUES)


@given(OBJECTS, OBJECTS)
def test_a_difference_makes_the_new_of_the_old_and_is_nothing_where_nothing_is(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    assert merged(old, difference(old, new)) == new
    assert difference(old, old) == {}


def test_a_difference_has_no_more_than_has_changed() -> None:
    old = {"state": "Queued", "outputs": {"a": "1", "b": "2"}, "message": "m"}
    new = {"state": "Queued", "outputs": {"a": "1"}, "conditions": [1]}
    assert difference(old, new) == {"message": None, "outputs": {"b": None}, "conditions": [1]}
