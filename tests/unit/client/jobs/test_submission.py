"""A job from what its user says."""

import pytest

from alidade.jobs.submission import (
    Submission,
    Value,
    job_body,
    made_name,
    output_of,
    run_of,
    valid_name,
)
from alidade_core.api.dataset import Dataset
from alidade_core.api.job import Dependency, DependencyCondition
from tests.support.builders import job


def test_only_what_is_said_is_in_it() -> None:
    assert job_body(Submission(experiment="mnist", name="a")) == {
        "apiVersion": "alidade.dev/v1alpha1",
        "kind": "Job",
        "metadata": {"name": "a"},
        "spec": {"experiment": "mnist", "entryPoint": "main"},
    }


def test_values_are_texts_as_yaml_would_have_them() -> None:
    given: dict[str, Value] = {"eps": 0.1, "epochs": 30, "augment": True, "name": "le_net"}
    body = job_body(Submission(experiment="mnist", parameters=given))
    assert {p["name"]: p["value"] for p in body["spec"]["parameters"]} == {
        "eps": "0.1",
        "epochs": "30",
        "augment": "true",
        "name": "le_net",
    }


def test_a_job_comes_after_those_it_takes_values_from() -> None:
    values = {"run_id": run_of("fgm"), "model_version": output_of(job("train"), "model_version")}
    body = job_body(Submission(experiment="mnist", parameters=values, after=["fgm", "other"]))
    assert body["spec"]["parameters"] == [
        {"name": "run_id", "valueFrom": {"job": "fgm", "field": "mlflowRunId"}},
        {"name": "model_version", "valueFrom": {"job": "train", "output": "model_version"}},
    ]
    assert body["spec"]["dependsOn"] == [{"name": "fgm"}, {"name": "other"}, {"name": "train"}]


def test_a_condition_of_a_dependency_is_kept() -> None:
    ended = Dependency(name="fgm", condition=DependencyCondition.ENDED)
    body = job_body(Submission(experiment="mnist", after=[ended], parameters={"r": run_of("fgm")}))
    assert body["spec"]["dependsOn"] == [{"name": "fgm", "condition": "Ended"}]


def test_a_source_and_a_path_are_its_workflow() -> None:
    source = {"archive": {"uri": "runs:/1/a.tar", "sha256": "0" * 64}}
    assert job_body(Submission(experiment="mnist", path="sub"), source)["spec"]["workflow"] == {
        "path": "sub",
        "source": source,
    }


def test_other_fields_may_be_models() -> None:
    after = Dependency(name="fgm", condition=DependencyCondition.ENDED)
    wanted = Submission(experiment="mnist", spec={"dependsOn": [after], "backoffLimit": 2})
    spec = job_body(wanted)["spec"]
    assert spec["dependsOn"] == [after.dump()]
    assert spec["backoffLimit"] == 2


def test_datasets_are_resources_or_lines() -> None:
    given: list[Dataset | str] = [
        Dataset(name="images", claim="mnist"),
        "labels=path:/usr/share/labels",
    ]
    wanted = Submission(experiment="mnist", datasets=given)
    assert job_body(wanted)["spec"]["datasets"] == [
        {"name": "images", "claim": "mnist"},
        {"name": "labels", "path": "/usr/share/labels"},
    ]


def test_made_names_are_valid_and_differ() -> None:
    names = {made_name("Train_All.v2") for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith("train-all-v2-") for name in names)
    assert len(made_name("x" * 200)) == 63


@pytest.mark.parametrize(
    ("words", "name"),
    [("tensorflow_cpu", "tensorflow-cpu"), ("MNIST", "mnist"), ("__", "job"), ("-a-", "a")],
)
def test_words_become_the_nearest_name(words: str, name: str) -> None:
    assert valid_name(words) == name
