from dataclasses import replace

import pytest

from alidade_core.api.base import Condition
from alidade_core.api.job_status import Attempt, JobState, JobStatus, RootCause
from alidade_core.api.parameter import ParameterValue
from alidade_operator.decide.actions import CreateRun, EndRun, ReadPods, RunEnd
from alidade_operator.decide.answers import TrackingView
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.finish.run_end import settle, settled
from alidade_operator.decide.make.run import create
from alidade_operator.decide.plan import plan
from alidade_operator.decide.run_owner import MAX_TAG, UID_TAG
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.objects.views import BatchJob, Pod
from alidade_operator.objects.well_known import PARAMETERS, RUN_ID
from tests.support.builders import (
    DELETED,
    NOW,
    batch_job,
    complete,
    experiment,
    failed_pod,
    job,
    pod,
    running_pod,
    snapshot,
    succeeded_pod,
)

S = JobState


def tracked(status: str, reason: str) -> Condition:
    return Condition(type="Tracked", status=status, reason=reason, last_transition_time=NOW)


REQUESTED = tracked("False", "RunRequested")
TOLD = tracked("True", "RunEnded")


def over(
    state: JobState = S.FINISHED, run: TrackingView | None = None, **fields: object
) -> Snapshot:
    """A job that ended, with a run unless another status is given."""
    status = {"mlflow_run_id": "r1", "conditions": (REQUESTED,), "reason": "R", "message": "m"}
    of = job(depends_on=["a", "b"], status=JobStatus(state=state, **{**status, **fields}))
    return snapshot(of, run=run or TrackingView(), pods_complete=True)


def draft_of(of: Snapshot) -> Draft:
    draft = Draft(of)
    settle(draft)
    return draft


def told(draft: Draft) -> tuple[str, str] | None:
    condition = draft.status.condition("Tracked")
    return (condition.status, condition.reason) if condition else None


def test_a_run_is_asked_for_by_the_jobs_uid_and_that_is_remembered() -> None:
    draft = Draft(
        snapshot(
            job(
                "fgm",
                depends_on=["a", "b"],
                entryPoint="attack",
                meta={"annotations": {"alidade.dev/submitted-by": "ada"}},
            ),
            installation="uid-alidade",
        )
    )
    create(draft)
    (action,) = draft.actions
    assert isinstance(action, CreateRun)
    assert (action.tracking_experiment_id, action.name) == ("7", "fgm")
    assert action.tags == {
        UID_TAG: "uid-fgm",
        "alidade.dev/job": "fgm",
        "alidade.dev/namespace": "lab",
        "alidade.dev/experiment": "mnist",
        "alidade.dev/installation": "uid-alidade",
        "alidade.dev/entry-point": "attack",
        "alidade.dev/queue": "cpu",
        "alidade.dev/depends-on": "a,b",
        "alidade.dev/submitted-by": "ada",
        "mlflow.user": "ada",
    }
    assert told(draft) == ("False", "RunRequested")


def test_without_an_experiment_in_mlflow_no_run_is_asked_for() -> None:
    draft = Draft(snapshot(job(), experiment=experiment(registered=None)))
    create(draft)
    assert (draft.actions, told(draft)) == ([], None)


@pytest.mark.parametrize(
    ("left", "pods", "actions"),
    [
        (batch_job(suspend=False), (), []),
        (batch_job(suspend=False, meta=DELETED), (), [EndRun]),
        (batch_job(suspend=False, meta=DELETED), (running_pod(),), []),
        (batch_job(suspend=False, status=complete()), (running_pod(),), []),
        (batch_job(suspend=False, status=complete()), (succeeded_pod(),), [EndRun]),
        (batch_job(suspend=False, status=complete()), (), [EndRun]),
        (None, (running_pod(),), []),
        (None, (pod(),), []),
        (None, (failed_pod(),), [EndRun]),
        (None, (), [EndRun]),
    ],
)
def test_a_run_is_ended_once_no_pod_can_report_to_it(
    left: BatchJob | None, pods: tuple[Pod, ...], actions: list[type]
) -> None:
    of = replace(over(), batch_job=left, pods=pods)
    assert [type(action) for action in draft_of(of).actions] == actions


def test_while_somebodys_finalizer_keeps_its_batch_job_the_pods_that_may_be_left_are_read() -> None:
    left = batch_job(suspend=False, meta=DELETED)
    draft = draft_of(replace(over(), batch_job=left, pods_complete=False))
    assert draft.actions == [ReadPods()]


@pytest.mark.parametrize("view", [TrackingView(), TrackingView(tracking_id="r1")])
def test_the_run_that_the_pods_were_told_of_stays_whatever_is_written_into_the_status(
    view: TrackingView,
) -> None:
    told = {PARAMETERS: "{}", RUN_ID: "r1"}
    of = snapshot(
        job(status=JobStatus(state=JobState.STARTED, mlflow_run_id="r-of-another")),
        batch_job=batch_job(suspend=False, annotations=told),
        pods=(running_pod(),),
        run=view,
    )
    assert plan(of).status.mlflow_run_id == "r1"
    waiting = replace(of, batch_job=batch_job(suspend=True, annotations=told), run=TrackingView())
    assert plan(waiting).status.mlflow_run_id == "r-of-another"


def test_once_its_batch_job_is_gone_the_pods_that_may_be_left_are_read_first() -> None:
    draft = draft_of(replace(over(), pods_complete=False))
    assert draft.actions == [ReadPods()]
    assert not settled(draft)


@pytest.mark.parametrize(
    ("state", "end"),
    [
        (S.FINISHED, RunEnd.FINISHED),
        (S.FAILED, RunEnd.FAILED),
        (S.SKIPPED, RunEnd.KILLED),
        (S.CANCELLED, RunEnd.KILLED),
    ],
)
def test_the_run_ends_as_the_job_ended(state: JobState, end: RunEnd) -> None:
    given = (ParameterValue(name="eps", value="0.3"),)
    draft = draft_of(over(state, parameters=given))
    assert draft.actions == [
        EndRun(
            "r1",
            end,
            {
                "alidade.dev/state": str(state),
                "alidade.dev/reason": "R",
                "alidade.dev/message": "m",
            },
            {"eps": "0.3"},
        )
    ]
    assert not settled(draft)


def test_the_run_tells_the_exit_code_and_how_often_it_was_tried() -> None:
    cause = RootCause(job="fgm", reason="OOMKilled", message="failed: OOMKilled", exit_code=137)
    attempts = (
        Attempt(pod="fgm-a", node="node-1", message="failed: exit code 3"),
        Attempt(pod="fgm-b", node="node-2", message="failed: OOMKilled"),
    )
    draft = draft_of(over(S.FAILED, root_cause=cause, attempts=attempts))
    (action,) = draft.actions
    assert isinstance(action, EndRun)
    assert action.tags["alidade.dev/exit-code"] == "137"
    assert action.tags["alidade.dev/attempts"] == "2"
    assert action.tags["alidade.dev/attempt-1"] == "fgm-a on node-1: failed: exit code 3"
    assert action.tags["alidade.dev/attempt-2"] == "fgm-b on node-2: failed: OOMKilled"


def test_who_submitted_a_job_is_told_in_mlflows_own_word_too() -> None:
    draft = Draft(snapshot(job(meta={"annotations": {"alidade.dev/submitted-by": "mia"}})))
    create(draft)
    (action,) = draft.actions
    assert isinstance(action, CreateRun)
    assert action.tags["alidade.dev/submitted-by"] == action.tags["mlflow.user"] == "mia"


def test_the_run_names_the_image_of_each_attempt_and_counts_those_left_out() -> None:
    attempts = tuple(
        Attempt(pod=f"p{n}", node="node-1", message="m", image_id=f"example@sha256:{n}")
        for n in (1, 2, 3, 4, 5, 99, 100)
    )
    (action,) = draft_of(over(S.FAILED, attempts=attempts, attempt_count=100)).actions
    assert isinstance(action, EndRun)
    tags = action.tags
    assert tags["alidade.dev/image"] == "example@sha256:100"
    assert tags["alidade.dev/attempts"] == "100"
    assert tags["alidade.dev/attempt-5"] == "p5 on node-1, image example@sha256:5: m"
    assert tags["alidade.dev/attempt-100"] == "p100 on node-1, image example@sha256:100: m"
    assert "alidade.dev/attempt-6" not in tags


def test_of_a_long_log_the_run_is_told_the_end() -> None:
    lines = "e\N{COMBINING ACUTE ACCENT}" * MAX_TAG + "ValueError: the cause"
    cause = RootCause(job="train", reason="Error", message="m", last_lines=lines)
    (end,) = draft_of(over(S.FAILED, root_cause=cause)).actions
    assert isinstance(end, EndRun)
    told = end.tags["alidade.dev/last-lines"]
    assert told.endswith("ValueError: the cause")
    assert len(told) == MAX_TAG


def test_of_a_single_attempt_there_is_no_more_to_tell() -> None:
    (action,) = draft_of(over(attempts=(Attempt(pod="fgm-a", message="ended well"),))).actions
    assert isinstance(action, EndRun)
    assert action.tags["alidade.dev/attempts"] == "1"
    assert "alidade.dev/attempt-1" not in action.tags


def test_once_mlflow_knows_nothing_is_left_to_do() -> None:
    draft = draft_of(over(run=TrackingView(tracking_id="r1", settled=True)))
    assert (draft.actions, told(draft)) == ([], ("True", "RunEnded"))
    assert settled(draft)
    again = draft_of(over(conditions=(TOLD,)))
    assert again.actions == []
    assert settled(again)


def test_a_run_that_is_gone_is_told_and_final() -> None:
    draft = draft_of(over(run=TrackingView(tracking_id="r1", settled=True, gone=True)))
    assert (draft.actions, told(draft)) == ([], ("False", "RunGone"))
    condition = draft.status.condition("Tracked")
    assert condition
    assert "MLflow run r1 is not there any more, or is another's" in condition.message
    assert settled(draft)
    assert draft.status.over


def test_while_mlflow_is_away_that_is_told_and_tried_again() -> None:
    draft = draft_of(over(run=TrackingView(trouble="MLflow is away")))
    assert [type(action) for action in draft.actions] == [EndRun]
    assert told(draft) == ("False", "TrackingUnavailable")


def test_a_run_that_was_asked_for_and_never_heard_of_is_found_before_it_is_ended() -> None:
    draft = draft_of(over(S.CANCELLED, mlflow_run_id=None))
    assert [type(action) for action in draft.actions] == [CreateRun]
    assert not settled(draft)


def test_a_run_that_was_asked_for_is_let_be_if_its_experiment_is_gone() -> None:
    lost = over(S.CANCELLED, mlflow_run_id=None)
    draft = draft_of(snapshot(lost.job, experiment=None, pods_complete=True))
    assert draft.actions == []
    assert settled(draft)


def test_a_job_that_never_asked_for_a_run_has_nothing_to_settle() -> None:
    draft = draft_of(over(S.SKIPPED, mlflow_run_id=None, conditions=()))
    assert (draft.actions, told(draft)) == ([], None)
    assert settled(draft)
