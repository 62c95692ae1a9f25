from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alidade_core.api.base import Condition
from alidade_core.api.job_status import Attempt, Fate, JobState, JobStatus
from alidade_core.contract import PEER_LOST
from alidade_operator.decide.actions import ReadLastLines, ReadNamespace, ReadPods, Suspend
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.follow.concluding import UNSEEN
from alidade_operator.decide.follow.outputs import read_outputs
from alidade_operator.decide.follow.running import follow
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.objects.reading import pod as read_pod
from alidade_operator.objects.views import Pod
from tests.support.builders import (
    DELETED,
    NOW,
    UNREACHABLE,
    ago,
    batch_job,
    complete,
    disruption,
    failed,
    failed_pod,
    job,
    pod,
    pod_body,
    queue,
    running,
    running_pod,
    snapshot,
    stamp,
    succeeded_pod,
    terminated,
    waiting,
)

S = JobState
STARTED = JobStatus(state=S.STARTED, start_time=ago(60))
WELL = Attempt(pod="gone", fate=Fate.SUCCEEDED)
DISRUPTED = failed_pod(conditions=[disruption("Preempted", "p")])


def released(
    *pods: Pod, status: JobStatus | None = None, spec: dict[str, Any] | None = None, **fields: Any
) -> Snapshot:
    """A job whose batch/v1 Job may run, with these pods."""
    known = {"batch_job": batch_job(suspend=False), "pods": pods, "keeps_logs": False}
    return snapshot(job(status=status, **(spec or {})), **{**known, **fields})


def followed(*pods: Pod, **fields: Any) -> Draft:
    draft = Draft(released(*pods, **fields))
    follow(draft)
    return draft


def condition(draft: Draft, kind: str) -> Condition | None:
    return draft.status.condition(kind)


@pytest.mark.parametrize(
    ("pods", "before", "state", "reason", "message"),
    [
        ([], None, S.QUEUED, "PodPending", "no pod yet"),
        ([pod()], None, S.QUEUED, "PodPending", "starts on node node-1"),
        ([running_pod()], None, S.STARTED, "Running", "pod train-x7k2p runs on node node-1"),
        ([succeeded_pod()], None, S.STARTED, "Completing", "ended well"),
        ([failed_pod(code=3)], None, S.STARTED, "Completing", "failed: exit code 3"),
        ([DISRUPTED], None, S.STARTED, "Retrying", "next attempt: no pod yet"),
        ([running_pod(meta=DELETED)], None, S.STARTED, "Stopping", "is being stopped"),
        ([running_pod(conditions=UNREACHABLE)], None, S.STARTED, "NodeUnreachable", "node-1"),
        ([failed_pod("a"), running_pod("b")], None, S.STARTED, "Running", "pod b runs"),
        ([], STARTED, S.STARTED, "PodPending", "no pod yet"),
        ([pod()], STARTED, S.STARTED, "PodPending", "starts on node"),
        ([pod(worker=waiting("ImagePullBackOff", "x"))], None, S.QUEUED, "ImagePullBackOff", "x"),
    ],
    ids=[
        "no pod", "pending", "running", "succeeded", "failed", "disrupted", "stopping",
        "node silent", "second attempt",
        "pod gone", "pending again", "no image",
    ],
)  # fmt: skip
def test_the_state_is_read_off_the_pods(
    pods: list[Pod], before: JobStatus | None, state: JobState, reason: str, message: str
) -> None:
    status = followed(*pods, status=before).status
    assert (status.state, status.reason) == (state, reason)
    assert message in (status.message or "")


def test_what_a_status_that_was_cleared_does_not_tell_is_read_off_the_batch_job() -> None:
    found = replace(batch_job(suspend=False, queue="gpus"), flavor="a100")
    several = queue(flavors=[{"name": "a10"}, {"name": "a100"}])
    status = followed(running_pod(), batch_job=found, queue=several).status
    assert (status.queue, status.flavor, status.state) == ("gpus", "a100", S.STARTED)


def test_between_attempts_the_cause_and_the_next_attempt_are_told() -> None:
    retried = batch_job(suspend=False, status={"failed": 1})
    draft = followed(failed_pod("a", code=3), pod("b"), batch_job=retried, status=STARTED)
    assert draft.status.reason == "Retrying"
    assert draft.status.message == (
        "failed: exit code 3; next attempt: pod b starts on node node-1"
    )


@pytest.mark.parametrize(
    ("code", "told"), [(0, "pod train-x7k2p ended well"), (3, "failed: exit code 3")]
)
def test_what_keeps_a_pod_from_its_end_is_named(code: int, told: str) -> None:
    body = pod_body(phase="Running", worker=terminated(code))
    body["status"]["containerStatuses"] += [
        {"name": "istio-proxy", "state": running()},
        {"name": "setup", "state": terminated(0)},
    ]
    status = followed(read_pod(body)).status
    assert (status.state, status.reason) == (S.STARTED, "Completing")
    assert status.message == f"{told}; still running beside it: 'istio-proxy'"


def test_a_job_started_when_its_first_pod_ran() -> None:
    first = failed_pod("a", meta={"creationTimestamp": stamp(ago(90))})
    second = pod("b", phase="Running", worker=running(NOW - timedelta(seconds=5)))
    draft = followed(second, first)
    assert draft.status.start_time == min(p.started for p in (first, second) if p.started)
    assert draft.status.is_true("Started")


def test_a_pod_that_is_over_before_it_is_seen_to_run_has_run() -> None:
    assert followed(failed_pod()).status.start_time == NOW


def test_a_job_starts_by_the_operators_clock_where_that_of_a_node_is_ahead() -> None:
    ahead = pod(phase="Running", worker=running(NOW + timedelta(hours=1)))
    assert followed(ahead).status.start_time == NOW


def test_a_job_starts_after_its_dependencies_were_met_where_the_clock_of_a_node_is_behind() -> None:
    met = Condition(
        type="DependenciesMet",
        status="True",
        reason="DependenciesMet",
        last_transition_time=ago(30),
    )
    behind = pod(phase="Running", worker=running(NOW - timedelta(hours=1)))
    status = JobStatus(state=S.QUEUED, conditions=(met,))
    assert followed(behind, status=status).status.start_time == ago(30)


def test_a_pod_whose_container_never_ran_did_not_start_the_job() -> None:
    never = pod(phase="Failed", worker=terminated(128, "StartError", started=None))
    assert followed(never).status.start_time is None


def test_the_start_once_told_stays() -> None:
    draft = followed(running_pod(), status=STARTED)
    assert draft.status.start_time == ago(60)


@pytest.mark.parametrize(
    ("spec", "policy", "reason"),
    [({"suspend": True}, "None", "Suspended"), ({}, "HoldAndDrain", "QueueHeld")],
)
def test_a_running_job_is_stopped_and_kept(spec: dict[str, Any], policy: str, reason: str) -> None:
    draft = followed(running_pod(), spec=spec, queue=queue(stopPolicy=policy))
    assert [type(action) for action in draft.actions] == [Suspend]
    assert (draft.status.state, draft.status.reason) == (S.QUEUED, reason)
    assert draft.status.is_true("Suspended")


def test_a_job_that_is_still_being_stopped_keeps_its_times() -> None:
    stopped = followed(running_pod(), spec={"suspend": True}).status
    later = NOW + timedelta(minutes=1)
    again = followed(running_pod(), spec={"suspend": True}, status=stopped, now=later)
    assert again.status == stopped


def test_hold_lets_running_jobs_run() -> None:
    draft = followed(running_pod(), queue=queue(stopPolicy="Hold"))
    assert (draft.status.state, draft.actions) == (S.STARTED, [])


@pytest.mark.parametrize("spec", [{"suspend": True}, {}])
def test_a_job_that_is_over_is_not_stopped(spec: dict[str, Any]) -> None:
    over = batch_job(suspend=False, status=complete())
    draft = followed(succeeded_pod(), batch_job=over, spec=spec)
    assert (draft.status.state, draft.actions) == (S.FINISHED, [])
    suspended = condition(draft, "Suspended")
    assert suspended is not None
    assert (suspended.status, suspended.reason) == ("False", "Released")


def test_a_released_job_is_not_suspended() -> None:
    assert not followed(running_pod()).status.is_true("Suspended")


def test_a_batch_job_deleted_by_someone_cancels_the_job() -> None:
    deleting = batch_job(suspend=False, meta=DELETED)
    asks = followed(running_pod(), batch_job=deleting)
    assert (asks.actions, asks.status.ended) == ([ReadNamespace()], False)
    status = followed(running_pod(), batch_job=deleting, namespace_ends=False).status
    assert (status.state, status.reason) == (S.CANCELLED, "BackingJobDeleted")
    assert "kubectl delete job" in (status.message or "")


def test_a_job_finishes_with_its_pods_outputs() -> None:
    over = batch_job(suspend=False, status=complete())
    status = followed(succeeded_pod(says='{"model_version": "4"}'), batch_job=over).status
    assert (status.state, status.reason) == (S.FINISHED, "Completed")
    assert status.message == "train-x7k2p ended well"
    assert status.outputs == {"model_version": "4"}
    assert (status.completion_time, status.start_time) == (NOW, NOW)
    assert status.is_true("Complete")
    assert not status.is_true("Failed")


def test_a_job_fails_for_its_pods_cause() -> None:
    over = batch_job(suspend=False, status=failed())
    status = followed(failed_pod(code=137, reason="OOMKilled"), batch_job=over).status
    assert (status.state, status.reason) == (S.FAILED, "OOMKilled")
    assert status.root_cause is not None
    assert (status.root_cause.job, status.root_cause.exit_code) == ("train", 137)
    assert status.is_true("Failed")


def test_before_a_job_fails_the_end_of_the_log_that_tells_why_is_read() -> None:
    over = batch_job(suspend=False, status=failed())
    who = ("train-x7k2p", "worker")
    asks = followed(failed_pod(), batch_job=over, keeps_logs=True, status=STARTED)
    assert (asks.actions, asks.status.state) == ([ReadLastLines(*who)], S.STARTED)

    known = followed(failed_pod(), batch_job=over, keeps_logs=True, said={who: "a\nno data"})
    cause = known.status.root_cause
    assert (known.actions, cause and cause.last_lines) == ([], "a\nno data")
    assert known.status.message == "failed: exit code 1: no data"

    gone = followed(failed_pod(says="short"), batch_job=over, keeps_logs=True, said={who: None})
    assert gone.status.message == "failed: exit code 1: short"


@pytest.mark.parametrize(
    ("reason", "says", "told"),
    [
        ("Completed", '{"a": "1", "alidade.dev/oom-kills": "1"}', "a process of it was killed"),
        ("OOMKilled", '{"a": "1"}', "train-x7k2p ended well, but a process of it was killed"),
        ("Completed", '{"a": "1", "alidade.dev/oom-kills": "3"}', "3 processes of it were killed"),
    ],
)
def test_a_job_that_ended_well_without_all_its_processes_says_so(
    reason: str, says: str, told: str
) -> None:
    over = batch_job(suspend=False, status=complete())
    found = pod(phase="Succeeded", worker=terminated(0, reason, says))
    status = followed(found, batch_job=over).status
    assert (status.state, status.outputs) == (S.FINISHED, {"a": "1"})
    assert told in (status.message or "")
    assert "for want of memory" in (status.message or "")


@pytest.mark.parametrize(
    ("over", "pods"),
    [
        (complete(), []),
        (complete(), [running_pod()]),
        (complete(failed=1), [failed_pod("a")]),
        (failed(), []),
        (failed(), [running_pod()]),
        (failed(failed=2), [failed_pod("a"), running_pod("b")]),
        (failed("PodFailurePolicy"), [running_pod()]),
        (failed("DeadlineExceeded", failed=0), []),
    ],
)
def test_before_a_job_ends_the_pods_that_can_tell_how_are_read(
    over: dict[str, Any], pods: list[Pod]
) -> None:
    draft = followed(*pods, batch_job=batch_job(suspend=False, status=over), status=STARTED)
    assert draft.actions == [ReadPods()]
    assert draft.status.state is S.STARTED

    seen = JobStatus(state=S.STARTED, start_time=ago(60), attempts=(WELL,))
    of = batch_job(suspend=False, status=over)
    read = followed(*pods, batch_job=of, pods_complete=True, status=seen, traces=())
    assert read.actions == []
    # Of one that ran when it was last told of, how it ended is still to come.
    assert read.status.ended is all(pod.ended for pod in pods)


def test_a_peer_that_was_lost_does_not_stand_for_the_pod_that_failed() -> None:
    over = batch_job(suspend=False, status=failed(failed=1))
    lost = failed_pod("b", code=PEER_LOST, index=1)
    draft = followed(lost, batch_job=over, spec={"replicas": 2}, status=STARTED)
    assert draft.actions == [ReadPods()]


def test_a_pod_that_is_gone_has_run_all_the_same() -> None:
    assert followed(gone=(running_pod(),)).status.start_time == NOW


def test_nothing_is_waited_for_where_the_end_was_asked_for() -> None:
    over = batch_job(suspend=False, status=failed("DeadlineExceeded", failed=1))
    status = followed(running_pod(), batch_job=over, pods_complete=True).status
    assert (status.state, status.reason) == (S.FAILED, "DeadlineExceeded")


def test_a_job_that_ended_well_has_run_though_no_pod_is_left_to_say_when() -> None:
    over = batch_job(suspend=False, status=complete())
    seen = JobStatus(attempts=(WELL,))
    status = followed(batch_job=over, pods_complete=True, status=seen).status
    assert (status.state, status.start_time) == (S.FINISHED, NOW)
    assert status.is_true("Started")
    assert status.message == UNSEEN


def test_only_a_job_with_a_batch_job_can_be_followed() -> None:
    with pytest.raises(ValueError, match="batch/v1"):
        followed(batch_job=None)


@pytest.mark.parametrize(
    ("text", "outputs", "trouble"),
    [
        ("", {}, None),
        ("all is well", {}, None),
        ("[1, 2]", {}, None),
        ("{}", {}, None),
        (' {"a": "1", "größe": ""}\n', {"a": "1", "größe": ""}, None),
        ('{"a": "1", "b": 2, "c": null}', {"a": "1"}, "outputs 'b', 'c' are no strings"),
        ('{"a": ', {}, "is no JSON"),
        ('{"a":' * 100_000, {}, "is no JSON"),
    ],
    ids=["empty", "text", "list", "none", "some", "mixed", "cut off", "deep"],
)
def test_outputs_are_the_strings_of_a_json_object(
    text: str, outputs: dict[str, str], trouble: str | None
) -> None:
    found, told = read_outputs(text)
    assert found == outputs
    assert (told is None) if trouble is None else (trouble in (told or ""))
