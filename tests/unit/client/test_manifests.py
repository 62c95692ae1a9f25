"""Resources from YAML and to it."""

import pytest
import yaml

from alidade.errors import ManifestError
from alidade.manifests import from_yaml, to_yaml
from alidade_core.api.base import Metadata
from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Dependency, Job, JobSpec
from alidade_core.api.parameter import Parameter
from alidade_core.api.queue import Queue
from tests.support.manifests import experiment, job, queue


def mistakes_of(*documents: object) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        from_yaml(yaml.safe_dump_all(documents))
    return str(caught.value).splitlines()


def test_what_is_written_has_what_was_set_and_nothing_else() -> None:
    spec = JobSpec(
        experiment="mnist",
        parameters=(Parameter(name="eps", value="0.1"),),
        depends_on=(Dependency(name="train"),),
    )
    assert yaml.safe_load(to_yaml(Job(metadata=Metadata(name="attack"), spec=spec))) == {
        "apiVersion": "alidade.dev/v1alpha1",
        "kind": "Job",
        "metadata": {"name": "attack"},
        "spec": {
            "experiment": "mnist",
            "parameters": [{"name": "eps", "value": "0.1"}],
            "dependsOn": [{"name": "train"}],
        },
    }


def test_what_was_read_is_written_as_it_was() -> None:
    documents = [queue(maxRunning=2), experiment(), job("train", priority=3)]
    read = from_yaml(yaml.safe_dump_all(documents))
    assert [type(each) for each in read] == [Queue, Experiment, Job]
    assert list(yaml.safe_load_all(to_yaml(*read))) == documents


def test_what_the_server_adds_is_not_written() -> None:
    body = job("train")
    body["metadata"] |= {"uid": "7", "resourceVersion": "9", "creationTimestamp": None}
    body["status"] = {"state": "Queued"}
    (read,) = from_yaml(yaml.safe_dump(body))
    assert yaml.safe_load(to_yaml(read)) == job("train")


def test_empty_documents_are_passed_over() -> None:
    assert [each.metadata.name for each in from_yaml(f"---\n---\n{to_yaml()}---\n")] == []


def test_each_mistake_is_told_by_its_document_and_its_field() -> None:
    pod = {"spec": {"containers": [{"name": "worker", "anything": 1}]}}
    wrong = job("train", entrypoint="main", parameters=[{"name": "eps", "value": 0.1}])
    assert mistakes_of(job("fine", podTemplate=pod), wrong) == [
        "document 2 (Job 'train'): spec.entrypoint: there is no such field; entryPoint is one",
        "document 2 (Job 'train'): spec.parameters[0].value: input should be a valid string: put "
        "0.1 in quotes",
    ]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("text", "document 1: is no object, but plain text or a list"),
        (
            {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}},
            "document 1 (Job 'a'): apiVersion: is 'batch/v1', and has to be alidade.dev/v1alpha1",
        ),
        (
            {"apiVersion": "alidade.dev/v1alpha1", "kind": "Study"},
            "document 1: kind: is 'Study', and has to be one of Experiment, Queue, Job",
        ),
        (
            {"apiVersion": "alidade.dev/v1alpha1", "kind": "Job", "spec": {}},
            "document 1: metadata: field required",
        ),
    ],
)
def test_what_is_none_of_the_resources_is_refused(document: object, said: str) -> None:
    assert said in mistakes_of(document)


def test_what_is_no_yaml_is_refused() -> None:
    with pytest.raises(ManifestError, match="no YAML"):
        from_yaml("a: [")
