from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alidade_operator.decide.make import release
from alidade_operator.decide.make.pod_template import too_deep
from alidade_operator.objects import well_known
from tests.support.builders import job, status, wanted

WORKER = {"name": "worker"}


def template(given_: Any) -> dict[str, Any]:
    found: dict[str, Any] = wanted(job(podTemplate=given_)).manifest["spec"]["template"]
    return found


def variables(given_: list[Any]) -> list[Any]:
    found = template({"spec": {"containers": [{**WORKER, "env": given_}]}})
    env: list[Any] = found["spec"]["containers"][0]["env"]
    return env


def test_what_the_worker_is_told_stands_before_what_the_user_makes_of_it() -> None:
    own = [{"name": "RESULTS", "value": "/data/$(ALIDADE_JOB)/$(MLFLOW_RUN_ID)"}]
    names = [variable["name"] for variable in variables(own)]
    assert names[-1] == "RESULTS"
    assert names.index("MLFLOW_RUN_ID") < names.index("HOME") < names.index("RESULTS")


def test_of_ones_own_variables_those_of_the_contract_are_left_out_and_all_others_kept() -> None:
    chain = [{"name": "PATH", "value": "/a"}, {"name": "PATH", "value": "$(PATH):/b"}]
    home = {"name": "HOME", "value": "/home"}
    found = variables([*chain, home, {"name": "ALIDADE_JOB", "value": "other"}])
    assert found[-3:] == [*chain, home]
    assert [v for v in found if v["name"] in ("ALIDADE_JOB", "HOME")] == [
        {"name": "ALIDADE_JOB", "value": "train"},
        home,
    ]


@pytest.mark.parametrize("field", ["labels", "annotations"])
@pytest.mark.parametrize("key", [well_known.RUN_ID, "x.alidade.dev/y", "Alidade.dev/z"])
def test_no_template_says_which_job_a_pod_belongs_to_or_what_it_is_told(
    field: str, key: str
) -> None:
    found = template({"metadata": {field: {key: "other", "team": "a"}}})
    assert key not in found["metadata"][field]
    assert found["metadata"][field]["team"] == "a"
    assert found["metadata"]["labels"][well_known.JOB_LABEL] == "train"


@pytest.mark.parametrize(
    "given_",
    [{"metadata": None, "spec": None}, {"metadata": {"labels": None, "annotations": None}}, {}],
)
def test_null_is_nothing(given_: dict[str, Any]) -> None:
    found, plain = template(given_), template(None)
    assert found["spec"] == plain["spec"]
    assert found["metadata"]["labels"] == plain["metadata"]["labels"]


@pytest.mark.parametrize(
    ("given_", "odd"),
    [
        ({"spec": "text"}, "text"),
        ({"spec": {"containers": "text"}}, "text"),
        ({"spec": {"containers": [{**WORKER, "env": "text"}]}}, "text"),
        ({"spec": {"containers": [{**WORKER, "env": ["text"]}]}}, "text"),
        ({"spec": {"initContainers": ["text", {}]}}, "text"),
        ({"spec": {"initContainers": {"text": {}}}}, "text"),
        ({"metadata": "text"}, "text"),
        ({"metadata": {"labels": "text"}}, "text"),
        ({"metadata": {"annotations": "text"}}, "text"),
        ({"kind": "text"}, "text"),
    ],
)
def test_what_is_no_pod_template_is_left_for_the_api_server_to_refuse(
    given_: Any, odd: str
) -> None:
    assert odd in str(template(given_))
    asked = wanted(job(podTemplate=given_))
    assert odd in str(release.let_run(asked.manifest, status(), "7"))


def test_deep_is_what_no_pod_template_is() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert too_deep(deep)
    assert not too_deep({"spec": {"containers": [{"env": [{"valueFrom": {"fieldRef": {}}}]}]}})
    assert not too_deep("text")


leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
names = st.sampled_from([
    "metadata", "labels", "annotations", "spec", "containers", "initContainers", "env", "name",
    "volumes", "tolerations", "nodeSelector", "resources", "limits", "requests", "command",
    "worker", "ports", "containerPort", "mountPath", well_known.RUN_ID, well_known.PARAMETERS,
])  # fmt: skip
values = st.recursive(
    leaves | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=25,
)


@given(st.dictionaries(names, values, max_size=5))
def test_of_any_podtemplate_a_batch_job_is_made_and_it_stays_as_it_was(
    given_: dict[str, Any],
) -> None:
    before = deepcopy(given_)
    of = job(podTemplate=given_)
    asked = wanted(of)
    made = release.let_run(asked.manifest, status(mlflow_run_id="r1"), "7")
    assert given_ == before
    assert asked.manifest["spec"]["suspend"] is True
    assert made["spec"]["suspend"] is False
    assert (
        made["metadata"]["annotations"].items() >= asked.manifest["metadata"]["annotations"].items()
    )
    assert wanted(of) == asked
