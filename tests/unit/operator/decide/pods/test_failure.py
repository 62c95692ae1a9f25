import json
from dataclasses import replace
from typing import Any

import pytest

from alidade_operator.decide.pods.failure import (
    Cause,
    killed_for_memory,
    who_tells,
    why_failed,
    why_pod_failed,
)
from alidade_operator.objects.views import Pod
from tests.support.builders import (
    DELETED,
    ago,
    batch_job,
    complete,
    disruption,
    failed,
    failed_pod,
    pod,
    running_pod,
    stamp,
    succeeded_pod,
    terminated,
    waiting,
)

UNAVAILABLE = json.dumps(
    {
        "alidade.dev/reason": "SourceUnavailable",
        "alidade.dev/message": "git.example.org does not answer",
    }
)
EVICTING = disruption("EvictionByEvictionAPI", "evicting")


# What a kubelet writes of a container that had not begun when its pod was stopped.
UNKNOWN = terminated(137, "ContainerStatusUnknown", started=None, finished=None)


def disrupted(reason: str, message: str, **fields: Any) -> Pod:
    return pod(phase="Failed", conditions=[disruption(reason, message)], **fields)


@pytest.mark.parametrize(
    ("found", "reason", "message", "code"),
    [
        (failed_pod(code=1), "Error", "failed: exit code 1", 1),
        (failed_pod(code=3, says="no luck\n"), "Error", "failed: exit code 3: no luck", 3),
        (
            failed_pod(code=64, says="no parameter 'epsilon'"),
            "InvalidParameters",
            "failed: InvalidParameters, exit code 64: no parameter 'epsilon'",
            64,
        ),
        (
            failed_pod(code=69, says="MLflow is away"),
            "TrackingUnavailable",
            "failed: TrackingUnavailable, exit code 69: MLflow is away",
            69,
        ),
        (
            failed_pod(code=69, says=UNAVAILABLE),
            "SourceUnavailable",
            "failed: SourceUnavailable, exit code 69: git.example.org does not answer",
            69,
        ),
        (
            failed_pod(code=1, says=UNAVAILABLE),
            "Error",
            "failed: exit code 1: git.example.org does not answer",
            1,
        ),
        (
            failed_pod(code=66),
            "WorkflowNotFound",
            "failed: WorkflowNotFound, exit code 66",
            66,
        ),
        (
            failed_pod(code=1, says="ModuleNotFoundError: No module named 'art'"),
            "Error",
            "failed: exit code 1: ModuleNotFoundError: No module named 'art'",
            1,
        ),
        (
            failed_pod(code=137, reason="OOMKilled"),
            "OOMKilled",
            "failed: OOMKilled, exit code 137 (SIGKILL)",
            137,
        ),
        (failed_pod(code=143), "Error", "failed: exit code 143 (SIGTERM)", 143),
        (failed_pod(code=139), "Error", "failed: exit code 139 (SIGSEGV)", 139),
        (failed_pod(code=255), "Error", "failed: exit code 255", 255),
        (
            failed_pod(code=128, reason="StartError", says="exec: python: not found"),
            "StartError",
            "failed: StartError, exit code 128: exec: python: not found",
            128,
        ),
        (
            failed_pod(code=137, reason="ContainerStatusUnknown"),
            "ContainerLost",
            "stopped: its node lost its container: it was restarted, or its container runtime "
            "emptied",
            137,
        ),
        (
            pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory."),
            "Evicted",
            "never ran: Evicted: The node was low on resource: memory.",
            None,
        ),
        (
            pod(phase="Failed", reason="DeadlineExceeded", message="Pod was active too long"),
            "DeadlineExceeded",
            "failed: DeadlineExceeded: Pod was active too long",
            None,
        ),
        (
            pod(phase="Failed", reason="UnexpectedAdmissionError", message="no GPU left"),
            "UnexpectedAdmissionError",
            "never ran: UnexpectedAdmissionError: no GPU left",
            None,
        ),
        (
            disrupted("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"),
            "DeletionByTaintManager",
            "stopped: DeletionByTaintManager: Taint manager: deleting due to NoExecute taint",
            None,
        ),
        (
            disrupted(
                "PreemptionByScheduler",
                "default-scheduler: preempting to accommodate a higher priority pod",
                worker=terminated(137),
            ),
            "PreemptionByScheduler",
            "stopped: PreemptionByScheduler: default-scheduler: preempting to accommodate a higher "
            "priority pod",
            137,
        ),
        (
            pod(phase="Failed", init=terminated(1, message="no such bucket")),
            "Error",
            "failed: exit code 1: no such bucket (init container)",
            1,
        ),
        (
            pod(phase="Failed", init=terminated(137, "OOMKilled"), worker=waiting("Initializing")),
            "OOMKilled",
            "failed: OOMKilled, exit code 137 (SIGKILL) (init container)",
            137,
        ),
        (
            pod(phase="Failed", worker=terminated(0)),
            "PodFailed",
            "failed: another of its containers failed",
            None,
        ),
        (pod(phase="Failed"), "PodFailed", "never ran: PodFailed: the pod failed", None),
        (
            pod(phase="Failed", worker=UNKNOWN, meta=DELETED | {"deletionGracePeriodSeconds": 1}),
            "PodStopped",
            "stopped: pod train-x7k2p was deleted",
            None,
        ),
        (
            disrupted(
                "DeletionByTaintManager",
                "Taint manager: deleting",
                worker=UNKNOWN,
            ),
            "DeletionByTaintManager",
            "stopped: DeletionByTaintManager: Taint manager: deleting",
            None,
        ),
    ],
)  # fmt: skip
def test_why_a_pod_failed(found: Pod, reason: str, message: str, code: int | None) -> None:
    assert why_pod_failed(found) == Cause(reason, message, code)


LOG = """\
loading
Traceback (most recent call last):
  File "train.py", line 3, in <module>
    raise ValueError("no luck")
ValueError: no luck
"""
EATEN = '{"alidade.dev/oom-kills": "2"}'


def test_of_several_lines_the_one_that_tells_is_told_and_all_are_kept() -> None:
    cause = why_pod_failed(failed_pod(code=1, says=LOG))
    assert cause.message == "failed: exit code 1: ValueError: no luck"
    assert cause.last_lines == LOG.strip("\n")


@pytest.mark.parametrize(
    ("code", "says", "told", "lines"),
    [
        (1, "", "failed: exit code 1: ValueError: no luck", LOG),
        (1, LOG[-40:], "failed: exit code 1: ValueError: no luck", LOG),
        (1, "the data set is broken", "failed: exit code 1: the data set is broken", LOG),
        (
            64,
            "no parameter 'eps'",
            "failed: InvalidParameters, exit code 64: no parameter 'eps'",
            LOG,
        ),
        (
            1,
            EATEN,
            "failed: exit code 1: ValueError: no luck; 2 processes of it were killed for want of "
            "memory",
            LOG,
        ),
    ],
    ids=["no message", "the log's end", "written on purpose", "the worker's", "the worker's keys"],
)
def test_the_log_tells_where_no_message_was_written_on_purpose(
    code: int, says: str, told: str, lines: str
) -> None:
    cause = why_pod_failed(failed_pod(code=code, says=says), LOG)
    assert (cause.message, cause.last_lines) == (told, lines.strip("\n"))


def test_an_entry_points_own_exit_code_is_told_as_it_is() -> None:
    cause = why_pod_failed(failed_pod(code=1, says='{"alidade.dev/exit-code": "76"}'), LOG)
    assert cause == Cause("Error", "failed: exit code 76: ValueError: no luck", 76, LOG.strip("\n"))


def test_a_job_of_one_pod_has_lost_no_peer() -> None:
    assert why_pod_failed(failed_pod(code=75)) == Cause("Error", "failed: exit code 75", 75)
    assert why_pod_failed(failed_pod(code=75, index=1)).reason == "PeerLost"


def limited(**fields: Any) -> Pod:
    return replace(failed_pod(code=137, **fields), memory_limit="256Mi")


@pytest.mark.parametrize(
    ("found", "reason", "message"),
    [
        (
            limited(),
            "OOMKilled",
            "failed: OOMKilled, exit code 137 (SIGKILL): most likely for want of memory, of which "
            "it may have 256Mi",
        ),
        (limited(reason="OOMKilled"), "OOMKilled", "failed: OOMKilled, exit code 137 (SIGKILL)"),
        (
            failed_pod(code=137, says=EATEN),
            "OOMKilled",
            "failed: OOMKilled, exit code 137 (SIGKILL): 2 processes of it were killed for want of "
            "memory",
        ),
        (failed_pod(code=137), "Error", "failed: exit code 137 (SIGKILL)"),
        (replace(limited(), probed=True), "Error", "failed: exit code 137 (SIGKILL)"),
        (
            limited(says='{"alidade.dev/oom-kills": "0"}'),
            "Error",
            "failed: exit code 137 (SIGKILL)",
        ),
    ],
    ids=[
        "a limit",
        "the runtime says so",
        "the worker says so",
        "no limit",
        "a liveness probe",
        "the worker knows better",
    ],
)
def test_a_death_that_nobody_asked_for_was_for_want_of_memory(
    found: Pod, reason: str, message: str
) -> None:
    cause = why_pod_failed(found, "epoch 3\n")
    assert (cause.reason, cause.message) == (reason, message)


@pytest.mark.parametrize(
    ("message", "reason", "kills"),
    [
        (EATEN, "Completed", 2),
        ("", "OOMKilled", 1),
        (EATEN, "OOMKilled", 2),
        ("", "Completed", 0),
        ("{", "Completed", 0),
        ("[]", "Completed", 0),
        ('{"alidade.dev/oom-kills": 2}', "Completed", 0),
        ('{"alidade.dev/oom-kills": "-1"}', "Completed", 0),
        ('{"alidade.dev/oom-kills": "' + "9" * 5000 + '"}', "Completed", 0),
        ('{"alidade.dev/oom-kills": "\u0663"}', "Completed", 0),
    ],
)
def test_how_many_were_killed_for_want_of_memory(message: str, reason: str, kills: int) -> None:
    ended = failed_pod(code=1, reason=reason, says=message).container
    assert ended is not None
    assert ended.terminated is not None
    assert killed_for_memory(ended.terminated) == kills


FETCH = pod(phase="Failed", init=terminated(1), worker=waiting("PodInitializing"))


@pytest.mark.parametrize(
    ("pods", "status", "who"),
    [
        ([failed_pod()], failed(), ("train-x7k2p", "worker")),
        ([FETCH], failed(), ("train-x7k2p", "fetch")),
        ([], failed(), None),
        ([failed_pod()], failed("DeadlineExceeded"), None),
        ([failed_pod(conditions=[EVICTING])], failed(), None),
        ([pod(phase="Failed", reason="Evicted", worker=terminated(137))], failed(), None),
        ([pod(phase="Failed", worker=terminated(128, "StartError", started=None))], failed(), None),
    ],
    ids=["worker", "init", "gone", "deadline", "evicted", "its disk", "never ran"],
)
def test_whose_log_tells(
    pods: list[Pod], status: dict[str, Any], who: tuple[str, str] | None
) -> None:
    assert who_tells(batch_job(status=status), pods) == who


def test_a_job_failed_for_the_cause_of_its_last_attempt() -> None:
    first = failed_pod("a", code=1, meta={"creationTimestamp": stamp(ago(60))})
    last = failed_pod("b", code=2)
    cause = why_failed(batch_job(status=failed(failed=2)), [last, first])
    assert cause == Cause("Error", "failed: exit code 2 (attempt 2 of 2)", 2)


def test_a_single_attempt_is_not_numbered() -> None:
    cause = why_failed(batch_job(status=failed(failed=1)), [failed_pod(code=2)])
    assert cause == Cause("Error", "failed: exit code 2", 2)


def test_a_worker_that_failed_counts_though_a_sidecar_keeps_its_pod_running() -> None:
    found = pod(phase="Running", worker=terminated(2))
    assert why_failed(batch_job(status=failed()), [found]).exit_code == 2


def test_of_the_deadline_the_batch_job_tells_alone() -> None:
    cause = why_failed(
        batch_job(
            status=failed("DeadlineExceeded", "Job was active longer than specified deadline")
        ),
        [failed_pod(code=143)],
    )
    assert cause == Cause(
        "DeadlineExceeded", "failed: it ran longer than its activeDeadlineSeconds"
    )


@pytest.mark.parametrize("left", [[], [running_pod()], [succeeded_pod()]])
def test_without_a_failed_pod_the_batch_job_is_quoted(left: list[Pod]) -> None:
    assert why_failed(batch_job(status=failed("PodFailurePolicy", "exit code 64")), left) == Cause(
        "PodFailurePolicy", "failed: exit code 64; none of its pods is left"
    )


def test_a_batch_job_that_says_nothing_failed_for_reasons_unknown() -> None:
    assert why_failed(batch_job(status=complete()), []).reason == "Unknown"
