from dataclasses import replace
from datetime import timedelta

import pytest

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobStatus
from alidade_operator.decide.actions import Action, DeleteBatchJob, DeleteJob, HaveService, Suspend
from alidade_operator.decide.events import note_refusals
from alidade_operator.decide.plan import Plan, plan
from alidade_operator.decide.rejection import Rejection
from alidade_operator.decide.snapshot import Snapshot
from tests.support.builders import NOW, ago, batch_job, job, running_pod, snapshot
from tests.support.plans import RELEASED, S, acts, where

PAUSE = 15.0


def refused(seconds_ago: float) -> Rejection:
    at = ago(seconds_ago)
    return Rejection("RequestRefused", "refused: not today", final=False, at=at, pause=PAUSE)


def runs(of: Job) -> Snapshot:
    return snapshot(of, batch_job=batch_job(suspend=False), pods=(running_pod(),), keeps_logs=False)


ENDED = JobStatus(state=S.CANCELLED, reason="Cancelled", completion_time=ago(60))
SUSPENDED = runs(job(suspend=True, status=RELEASED))
CANCELLED = runs(job(cancel=True, status=ENDED))
EXPIRED = snapshot(
    job(ttlSecondsAfterFinished=1, status=ENDED), experiment=None, pods_complete=True
)
REPLICAS = runs(job(replicas=2, status=RELEASED))


def told(decided: Plan) -> tuple[str, str, str] | None:
    condition = decided.status.condition("ChangesRefused")
    return (condition.status, condition.reason, condition.message) if condition else None


@pytest.mark.parametrize(
    ("of", "action"),
    [
        (SUSPENDED, Suspend),
        (CANCELLED, DeleteBatchJob),
        (EXPIRED, DeleteJob),
        (REPLICAS, HaveService),
    ],
)
def test_what_is_refused_is_told_and_tried_again_after_a_pause(
    of: Snapshot, action: type[Action]
) -> None:
    assert action in acts(plan(of))
    waits = plan(replace(of, refused={action: refused(5)}))
    assert action not in acts(waits)
    assert told(waits) == ("True", "RequestRefused", "refused: not today")
    assert waits.wake_after is not None
    assert waits.wake_after <= timedelta(seconds=PAUSE - 5)
    again = plan(replace(of, refused={action: refused(PAUSE)}))
    assert action in acts(again)
    assert told(again) == told(waits)


def test_what_is_refused_and_not_wanted_any_more_is_told_no_more() -> None:
    before = plan(replace(SUSPENDED, refused={Suspend: refused(5)})).status
    of = runs(job(status=before))
    assert told(plan(replace(of, refused={Suspend: refused(5)}))) == ("False", "Resolved", "")


def test_a_job_whose_suspension_is_refused_runs_on_and_says_so() -> None:
    decided = plan(replace(SUSPENDED, refused={Suspend: refused(5)}))
    assert where(decided) == (S.STARTED, "RequestRefused")
    assert decided.status.message == (
        "runs on, though it is to stop (Suspended): refused: not today"
    )
    assert not decided.status.is_true("Suspended")


def test_an_end_stays_as_it_is_while_what_runs_on_is_told() -> None:
    decided = plan(replace(CANCELLED, refused={DeleteBatchJob: refused(5)}))
    assert where(decided) == (S.CANCELLED, "Cancelled")


def test_a_refusal_is_worth_an_event_once() -> None:
    before = SUSPENDED.job.status
    told_first = plan(replace(SUSPENDED, refused={Suspend: refused(5)})).status
    note = note_refusals(before, told_first)
    assert note is not None
    assert (note.type, note.reason, note.message) == (
        "Warning",
        "RequestRefused",
        "refused: not today",
    )
    later = replace(
        SUSPENDED,
        job=job(suspend=True, status=told_first),
        now=NOW + timedelta(hours=1),
        refused={Suspend: refused(0)},
    )
    assert note_refusals(told_first, plan(later).status) is None
