from datetime import timedelta
from typing import Any

import pytest

from alidade_core.api.job import Job
from alidade_core.api.job_status import DependencyStatus, JobState, JobStatus
from alidade_core.api.parameter import ParameterValue
from alidade_operator.decide.actions import Action, DeleteBatchJob, DeleteJob, EndRun, ReadPods
from alidade_operator.decide.answers import TrackingView
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.finish.ending import after_the_end, awaited_by
from alidade_operator.objects.views import BatchJob
from tests.support.builders import (
    DELETED,
    ago,
    batch_job,
    complete,
    experiment,
    failed,
    job,
    snapshot,
)

SETTLED = TrackingView(tracking_id="r1", settled=True)


def ended(ttl: int | None = None, state: JobState = JobState.FINISHED, **fields: Any) -> Job:
    status = JobStatus(state=state, completion_time=ago(60), **fields)
    return job(status=status, ttlSecondsAfterFinished=ttl)


def draft_of(of: Job, **fields: Any) -> Draft:
    draft = Draft(snapshot(of, **fields))
    after_the_end(draft)
    return draft


@pytest.mark.parametrize(
    ("left", "actions"),
    [
        (batch_job(suspend=True), [DeleteBatchJob("uid-batch-train", "1", True)]),
        (batch_job(suspend=False), [DeleteBatchJob("uid-batch-train", "1", True)]),
        (batch_job(suspend=False, meta=DELETED), []),
        (batch_job(suspend=False, status=complete()), []),
        (batch_job(suspend=False, status=failed()), []),
        (None, []),
    ],
    ids=["suspended", "running", "being deleted", "complete", "failed", "none"],
)
def test_what_could_still_run_is_deleted(left: BatchJob | None, actions: list[Action]) -> None:
    assert draft_of(ended(state=JobState.CANCELLED), batch_job=left).actions == actions


def test_the_run_is_settled_once_nothing_can_run_on() -> None:
    over = batch_job(suspend=False, status=complete())
    left = {None: [ReadPods], over: [EndRun], batch_job(suspend=False): [DeleteBatchJob]}
    for found, actions in left.items():
        draft = draft_of(ended(mlflow_run_id="r1"), batch_job=found)
        assert [type(action) for action in draft.actions] == actions


def test_without_a_time_to_live_a_job_is_kept() -> None:
    draft = draft_of(ended())
    assert (draft.actions, draft.wake_after) == ([], None)


def test_a_job_is_deleted_when_its_time_to_live_has_passed() -> None:
    early = draft_of(ended(ttl=100))
    assert (early.actions, early.wake_after) == ([], timedelta(seconds=40))
    assert draft_of(ended(ttl=60)).actions == [DeleteJob()]


def test_a_job_is_kept_until_its_run_is_settled() -> None:
    waiting = draft_of(ended(ttl=0, mlflow_run_id="r1"), pods_complete=True)
    assert [type(action) for action in waiting.actions] == [EndRun]
    told = draft_of(ended(ttl=0, mlflow_run_id="r1"), run=SETTLED, pods_complete=True)
    assert told.actions == [DeleteJob()]


def test_a_job_is_kept_until_those_that_depend_on_it_have_taken_note() -> None:
    draft = draft_of(ended(ttl=0), awaited=True)
    assert draft.actions == []
    assert draft.wake_after == timedelta(seconds=1)


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.SKIPPED, JobState.CANCELLED])
def test_a_job_that_did_not_end_well_is_kept_until_its_experiment_has_noted_it(
    state: JobState,
) -> None:
    def draft(*noted: str) -> Draft:
        setbacks = [{"name": "train", "uid": uid, "state": state} for uid in noted]
        found = ended(0, state)
        return draft_of(found, experiment=experiment(status={"setbacks": setbacks}))

    assert draft().actions == []
    assert draft().wake_after == timedelta(seconds=1)
    assert draft("uid-of-another").actions == []
    assert draft("uid-train").actions == [DeleteJob()]
    # It has as many as it keeps.
    assert draft(*(f"uid-{n}" for n in range(32))).actions == [DeleteJob()]


FIRST = job(
    "first", status=JobStatus(state=JobState.FINISHED, mlflow_run_id="r1", outputs={"version": "4"})
)
VERSION = {"name": "version", "valueFrom": {"job": "first", "output": "version"}}
STEPS = {"name": "steps", "valueFrom": {"job": "first", "output": "steps"}}
OF_ANOTHER = {"name": "eps", "valueFrom": {"job": "second", "output": "eps"}}
MET = {"uid": FIRST.metadata.uid, "state": JobState.STARTED, "met": True}


@pytest.mark.parametrize(
    ("known", "parameters", "taken", "awaited"),
    [
        (None, [], {}, True),
        ({"uid": FIRST.metadata.uid, "state": JobState.STARTED}, [], {}, True),
        (MET, [], {}, False),
        ({**MET, "state": JobState.FAILED, "met": False}, [VERSION], {}, False),
        (MET, [VERSION], {}, True),
        (MET, [VERSION], {"version": "4"}, False),
        (MET, [STEPS], {}, False),
        (MET, [OF_ANOTHER], {}, False),
        ({**MET, "uid": "uid-of-an-earlier-first"}, [VERSION], {}, False),
    ],
    ids=[
        "nothing known", "undecided", "met", "cannot be met", "a value to take", "the value taken",
        "a value never given", "a value of another's", "it was met by another of the name",
    ],
)  # fmt: skip
def test_who_waits_for_a_job_that_has_ended(
    known: dict[str, Any] | None,
    parameters: list[dict[str, Any]],
    taken: dict[str, str],
    awaited: bool,
) -> None:
    status = JobStatus(
        state=JobState.WAITING,
        dependencies=(DependencyStatus(name="first", **known),) if known else (),
        parameters=tuple(ParameterValue(name=n, value=v) for n, v in taken.items()),
    )
    dependent = job(depends_on=["first", "second"], parameters=parameters, status=status)
    assert awaited_by(dependent, FIRST) is awaited


def test_a_job_that_has_ended_waits_for_none() -> None:
    assert not awaited_by(ended(), FIRST)


@pytest.mark.parametrize("state", ["FINISHED", "FAILED", "SKIPPED", "CANCELLED"])
def test_the_end_itself_stays(state: str) -> None:
    of = ended(state=JobState[state], reason="R", message="m")
    after = draft_of(of, batch_job=batch_job(suspend=False)).status
    assert (after.state, after.reason, after.message) == (JobState[state], "R", "m")
    assert after.completion_time == ago(60)
