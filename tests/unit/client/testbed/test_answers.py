"""What the testbed answered."""

import pytest

from alidade.testbed.answers import (
    experiment_answer,
    job_answer,
    not_found,
    parameters,
    queue_answer,
    seconds,
)
from alidade_core.api.job_status import JobState
from tests.support.builders import experiment, job, job_in, queue

CREATED = "2026-03-01T12:00:00+00:00"


def test_a_job_is_told_by_all_the_names_that_there_were() -> None:
    given = [{"name": "eps", "value": "0.1"}, {"name": "name", "value": "le net"}]
    told = job(
        "infer-x2",
        entryPoint="infer",
        parameters=given,
        depends_on=["fgm"],
        queue="cpu",
        activeDeadlineSeconds=60,
    )
    assert job_answer(told, experiment(registered="7")) == {
        "jobId": "infer-x2",
        "mlflowRunId": None,
        "status": "deferred",
        "experimentId": 7,
        "queueId": "cpu",
        "entryPoint": "infer",
        "entryPointKwargs": "-P eps=0.1 -P 'name=le net'",
        "dependsOn": "fgm",
        "timeout": "60s",
        "workflowUri": None,
        "createdOn": CREATED,
        "lastModified": CREATED,
    }


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (JobState.WAITING, "deferred"),
        (JobState.QUEUED, "queued"),
        (JobState.STARTED, "started"),
        (JobState.FINISHED, "finished"),
        (JobState.FAILED, "failed"),
        (JobState.SKIPPED, "failed"),
        (JobState.CANCELLED, "failed"),
    ],
)
def test_each_state_has_the_testbeds_word(state: JobState, word: str) -> None:
    assert job_answer(job_in(state, mlflow_run_id="5"))["status"] == word


def test_a_job_that_nobody_has_seen_yet_waits_for_a_place_or_for_another_job() -> None:
    assert job_answer(job("fgm"))["status"] == "queued"
    assert job_answer(job("infer", depends_on=["fgm"]))["status"] == "deferred"


def test_experiments_and_queues_are_told() -> None:
    times = {"createdOn": CREATED, "lastModified": CREATED}
    assert experiment_answer(experiment(registered="7")) == {
        "experimentId": 7,
        "name": "mnist",
        **times,
    }
    assert experiment_answer(experiment(registered=None))["experimentId"] is None
    assert queue_answer(queue()) == {"queueId": "cpu", "name": "cpu", **times}


def test_a_name_that_is_unknown_is_answered_as_the_tutorials_ask_for() -> None:
    assert "Not Found" in not_found("experiment")["message"]


@pytest.mark.parametrize(
    ("kwargs", "read"),
    [
        (None, {}),
        ("", {}),
        ("-P a=b -P c=d=e", {"a": "b", "c": "d=e"}),
        ("-Pa=b", {"a": "b"}),
        ("-P 'a=b c'", {"a": "b c"}),
        ("-P a=", {"a": ""}),
    ],
)
def test_parameters_are_read(kwargs: str | None, read: dict[str, str]) -> None:
    assert parameters(kwargs) == read


@pytest.mark.parametrize("kwargs", ["a=b", "-P a", "-P", "-P =b", "-P a=b c=d"])
def test_parameters_that_are_written_otherwise_are_refused(kwargs: str) -> None:
    with pytest.raises(ValueError, match="has to be like"):
        parameters(kwargs)


@pytest.mark.parametrize(
    ("timeout", "read"), [("24h", 86400), ("90m", 5400), ("3600", 3600), ("2d", 172800)]
)
def test_times_are_read(timeout: str, read: int) -> None:
    assert seconds(timeout) == read


@pytest.mark.parametrize("timeout", ["", "0", "1w", "-1h", "1.5h"])
def test_times_that_are_written_otherwise_are_refused(timeout: str) -> None:
    with pytest.raises(ValueError, match="has to be like"):
        seconds(timeout)
