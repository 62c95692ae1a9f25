from typing import Any

import pytest

from alidade_core.api.job_status import JobState, JobStatus
from alidade_operator.decide.actions import Action, ArchiveLog, ReadPods
from alidade_operator.decide.answers import LogView
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.finish.pod_logs import archive, archived
from alidade_operator.objects.views import Pod
from tests.support.builders import (
    DELETED,
    batch_job,
    complete,
    failed_pod,
    job,
    pod,
    running_pod,
    snapshot,
    succeeded_pod,
    terminated,
    waiting,
)

S = JobState
DONE = LogView(done=True)
RUNS = JobStatus(state=S.STARTED, mlflow_run_id="r1")
OVER = JobStatus(state=S.FAILED, mlflow_run_id="r1")
NO_LUCK = failed_pod("p", says="no luck")


def draft_of(*pods: Pod, status: JobStatus = RUNS, **fields: Any) -> Draft:
    known = {"pods_complete": True, **fields}
    draft = Draft(snapshot(job(status=status), pods=pods, **known))
    archive(draft)
    return draft


def told(draft: Draft) -> tuple[str, str] | None:
    condition = draft.status.condition("LogsArchived")
    return (condition.status, condition.reason) if condition else None


def message(draft: Draft) -> str:
    condition = draft.status.condition("LogsArchived")
    return condition.message if condition else ""


@pytest.mark.parametrize(
    ("found", "containers"),
    [
        (pod("p"), []),
        (running_pod("p"), []),
        (running_pod("p", meta=DELETED), ["worker"]),
        (succeeded_pod("p"), ["worker"]),
        (NO_LUCK, ["worker"]),
        # The kubelet tells of the container first.
        (pod("p", phase="Running", worker=terminated(3)), ["worker"]),
        (pod("p", worker=waiting("ImagePullBackOff"), meta=DELETED), []),
        (pod("p", phase="Failed"), []),
        (
            pod("p", phase="Failed", init=terminated(2), worker=waiting("PodInitializing")),
            ["fetch"],
        ),
    ],
)
def test_the_log_of_a_pod_that_ends_is_asked_for(found: Pod, containers: list[str]) -> None:
    asked = [action for action in draft_of(found).actions if isinstance(action, ArchiveLog)]
    assert [(a.run_id, a.pod, a.container) for a in asked] == [("r1", "p", c) for c in containers]


def test_why_a_container_never_started_stands_for_its_empty_log() -> None:
    (action,) = draft_of(NO_LUCK).actions
    assert action == ArchiveLog("r1", "p", "worker", last_words="no luck")


def test_when_a_job_has_ended_logs_are_asked_for_before_its_pods_are_stopped() -> None:
    assert draft_of(running_pod("p")).actions == []
    draft = draft_of(running_pod("p"), status=OVER)
    assert ArchiveLog("r1", "p", "worker") in draft.actions
    assert told(draft) == ("False", "Archiving")


def test_each_log_is_asked_for_once() -> None:
    draft = draft_of(NO_LUCK, succeeded_pod("q"), logs={("p", "worker"): LogView()})
    assert [a.pod for a in draft.actions if isinstance(a, ArchiveLog)] == ["q"]


@pytest.mark.parametrize(
    "fields",
    [{"status": JobStatus(state=S.STARTED)}, {"keeps_logs": False}],
    ids=["without a run", "without an archive"],
)
def test_where_there_is_nothing_to_archive_them_in_none_is_asked_for(fields: Any) -> None:
    draft = draft_of(NO_LUCK, **fields)
    assert (draft.actions, told(draft), archived(draft)) == ([], None, True)


def test_while_a_job_runs_nothing_is_said_of_earlier_attempts() -> None:
    assert told(draft_of(NO_LUCK, running_pod("q"), logs={("p", "worker"): DONE})) is None


def test_when_it_has_ended_the_job_says_where_its_logs_are() -> None:
    draft = draft_of(NO_LUCK, status=OVER, logs={("p", "worker"): DONE, ("q", "worker"): DONE})
    assert (told(draft), archived(draft)) == (("True", "Archived"), True)
    assert message(draft) == "2 under logs/ in the MLflow run's artifacts"


@pytest.mark.parametrize(
    ("pods", "logs"),
    [
        ((NO_LUCK,), {}),
        ((NO_LUCK,), {("p", "worker"): LogView()}),
        ((NO_LUCK, running_pod("q")), {("p", "worker"): DONE}),
    ],
    ids=["not asked for", "not there yet", "another still runs"],
)
def test_until_all_are_there_it_says_that_they_are_not(pods: tuple[Pod, ...], logs: Any) -> None:
    draft = draft_of(*pods, status=OVER, logs=logs)
    assert (told(draft), archived(draft)) == (("False", "Archiving"), False)


@pytest.mark.parametrize(
    ("fields", "actions"),
    [
        ({"pods_complete": False}, [ReadPods()]),
        ({"batch_job": batch_job(suspend=False), "pods_complete": False}, []),
    ],
    ids=["not read since the end", "more may come"],
)
def test_it_says_so_only_when_every_pod_is_known(fields: Any, actions: list[Action]) -> None:
    draft = draft_of(NO_LUCK, status=OVER, logs={("p", "worker"): DONE}, **fields)
    assert (told(draft), draft.actions) == (("False", "Archiving"), actions)


def test_pods_that_completed_a_batch_job_are_all_of_it_and_need_no_list() -> None:
    known: dict[str, Any] = {"status": OVER, "logs": {("p", "worker"): DONE}}
    over = batch_job(suspend=False, status=complete())
    draft = draft_of(succeeded_pod("p"), batch_job=over, pods_complete=False, **known)
    assert (told(draft), draft.actions) == (("True", "Archived"), [])
    # One that has yet to be told of may have a log, too.
    assert draft_of(NO_LUCK, batch_job=over, pods_complete=False, **known).actions == [ReadPods()]


def test_what_is_in_the_way_is_told() -> None:
    view = LogView(trouble="MLflow unreachable since 2026-03-01T12:00:00Z")
    draft = draft_of(NO_LUCK, status=OVER, logs={("p", "worker"): view})
    assert told(draft) == ("False", "Archiving")
    assert message(draft).startswith("pod p, container worker: MLflow unreachable since")


def test_a_log_of_which_the_beginning_is_missing_is_told_and_waited_for_no_longer() -> None:
    cut = LogView(done=True, missing="what the kubelet has rotated away")
    draft = draft_of(status=OVER, logs={("p", "worker"): cut, ("q", "worker"): DONE})
    assert (told(draft), archived(draft)) == (("False", "LogsIncomplete"), True)
    assert message(draft) == "pod p, container worker: what the kubelet has rotated away"


def test_a_log_that_cannot_be_had_is_told_and_waited_for_no_longer() -> None:
    lost = LogView(done=True, trouble="it was gone before its log was read")
    draft = draft_of(status=OVER, logs={("p", "worker"): lost, ("q", "worker"): DONE})
    assert (told(draft), archived(draft)) == (("False", "LogsLost"), True)
    assert message(draft) == "pod p, container worker: it was gone before its log was read"


def test_a_job_of_which_nothing_ran_has_no_logs_to_tell_of() -> None:
    draft = draft_of(pod("p", worker=waiting("ImagePullBackOff")), status=OVER)
    assert (told(draft), archived(draft)) == (None, True)


def test_logs_that_an_earlier_process_could_not_bring_into_safety_are_not_waited_for() -> None:
    before = draft_of(NO_LUCK, status=OVER).status
    draft = draft_of(status=before)
    assert (told(draft), archived(draft)) == (("False", "LogsLost"), True)


def test_what_is_decided_is_not_asked_for_again_after_a_restart() -> None:
    before = draft_of(NO_LUCK, status=OVER, logs={("p", "worker"): DONE}).status
    draft = draft_of(NO_LUCK, status=before)
    assert (draft.actions, told(draft)) == ([], ("True", "Archived"))
