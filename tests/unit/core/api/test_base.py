import pytest
from pydantic import ValidationError

from alidade_core.api.base import Metadata
from alidade_core.api.job import Job
from tests.support.builders import experiment, job, job_body


def test_fields_are_snake_case_here_and_camel_case_in_the_api() -> None:
    found = job(entryPoint="fgm", backoffLimit=2)
    assert (found.spec.entry_point, found.spec.backoff_limit) == ("fgm", 2)
    assert found.dump()["spec"]["entryPoint"] == "fgm"


def test_what_is_unset_is_not_written() -> None:
    assert (
        "value"
        not in job(parameters=[{"name": "a", "valueFrom": {"job": "b"}}]).dump()["spec"][
            "parameters"
        ][0]
    )


def test_fields_of_newer_versions_are_ignored() -> None:
    body = job_body()
    body["spec"]["fromTheFuture"] = True
    body["metadata"]["managedFields"] = []
    assert Job.model_validate(body) == job()


def test_what_was_read_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        setattr(experiment().spec, "queue", "other")  # noqa: B010 the type checker knows it too


def test_a_resource_is_known_by_namespace_and_name() -> None:
    assert job("train").key == ("lab", "train")
    assert Metadata(name="a").namespace == "default"
