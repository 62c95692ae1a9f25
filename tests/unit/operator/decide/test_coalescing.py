from typing import Any

import pytest

from alidade_core.api.job_status import JobStatus
from alidade_operator.decide.actions import (
    Action,
    ArchiveLog,
    CreateRun,
    DeleteBatchJob,
    DeleteJob,
    ReadPods,
    Release,
    Suspend,
)
from alidade_operator.decide.coalescing import at_once
from tests.support.builders import job

PENDING = {"state": "Queued", "reason": "Preparing", "message": "its run is being created"}
THEN = "2026-03-01T12:00:00Z"
RELEASE = Release({})
RUN = CreateRun("7", "train", {})


def status(**fields: Any) -> JobStatus:
    return job(status={**PENDING, **fields}).status


@pytest.mark.parametrize(
    ("told", "known", "actions", "now"),
    [
        # The first word, and the last.
        (JobStatus(), status(), [], True),
        (status(), status(state="Finished"), [], True),
        # What is only seen may be overtaken.
        (status(), status(state="Started", startTime=THEN), [], False),
        (status(), status(message="no pod yet"), [ReadPods()], False),
        (status(), status(attemptCount=1), [ArchiveLog("r1", "train-x", "worker")], False),
        (status(state="Finished"), status(state="Finished", reason="Completed"), [], False),
        # What is done has its facts told before it, and no more than those.
        (status(), status(parameters=[{"name": "eps", "value": "1"}]), [RELEASE], True),
        (status(), status(state="Waiting"), [RELEASE], True),
        (status(), status(message="its pod is being created", mlflowRunId="r1"), [RELEASE], False),
        (status(), status(message="else"), [RUN], False),
        (status(state="Finished"), status(state="Finished", attemptCount=1), [DeleteJob()], True),
    ],
)
def test_what_is_told_at_once(
    told: JobStatus, known: JobStatus, actions: list[Action], now: bool
) -> None:
    assert at_once(told, known, actions) is now


def test_a_condition_that_is_true_now_is_a_fact_and_its_words_are_not() -> None:
    told = {"type": "Tracked", "reason": "RunRequested", "lastTransitionTime": THEN}
    no, yes = ({**told, "status": word} for word in ("False", "True"))
    other = {**no, "message": "MLflow is away"}
    assert at_once(status(), status(conditions=[no]), [RUN])
    assert at_once(status(conditions=[no]), status(conditions=[yes]), [RUN])
    assert not at_once(status(conditions=[no]), status(conditions=[other]), [RUN])


@pytest.mark.parametrize("action", [DeleteBatchJob("uid", "1", foreground=True), Suspend({})])
def test_why_a_batch_job_is_deleted_or_stopped_is_told_before_it_is(action: Action) -> None:
    known = status(reason="OutOfTurn")
    assert at_once(status(), known, [action])
    assert not at_once(status(), known, [])
