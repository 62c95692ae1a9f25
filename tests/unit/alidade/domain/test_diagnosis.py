from dataclasses import replace
from typing import Any

import pytest

from alidade.domain.attempts import newest
from alidade.domain.diagnosis import (
    MAX_LAST_LINES,
    MAX_SENTENCE,
    Cause,
    Pending,
    Stage,
    how_it_runs,
    why_failed,
    why_not_running,
    why_pod_failed,
)
from alidade.domain.observed import Pod
from tests.support.builders import (
    DELETED,
    UNREACHABLE,
    ago,
    backing,
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

PULL = (
    'Back-off pulling image "nowhere/x:1": ErrImagePull: failed to pull and unpack image '
    '"nowhere/x:1": failed to resolve reference: not found'
)
EVICTING = disruption("EvictionByEvictionAPI", "evicting")
NO_NODE = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."


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
            "ContainerStatusUnknown",
            "failed: ContainerStatusUnknown, exit code 137 (SIGKILL)",
            137,
        ),
        (
            pod(phase="Failed", reason="Evicted", message="The node was low on resource: memory."),
            "Evicted",
            "failed: Evicted: The node was low on resource: memory.",
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
            "failed: UnexpectedAdmissionError: no GPU left",
            None,
        ),
        (
            disrupted("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"),
            "DeletionByTaintManager",
            "failed: DeletionByTaintManager: Taint manager: deleting due to NoExecute taint",
            None,
        ),
        (
            disrupted(
                "PreemptionByScheduler",
                "default-scheduler: preempting to accommodate a higher priority pod",
                worker=terminated(137),
            ),
            "PreemptionByScheduler",
            "failed: PreemptionByScheduler: default-scheduler: preempting to accommodate a higher "
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
        (pod(phase="Failed"), "PodFailed", "failed: the pod failed", None),
    ],
)  # fmt: skip
def test_why_a_pod_failed(found: Pod, reason: str, message: str, code: int | None) -> None:
    assert why_pod_failed(found) == Cause(reason, message, code)


@pytest.mark.parametrize(
    ("fields", "reason", "message"),
    [
        ({}, "Running", "pod train-x7k2p runs on node node-1"),
        ({"meta": DELETED}, "Stopping", "pod train-x7k2p on node node-1 is being stopped"),
        (
            {"meta": DELETED, "conditions": [EVICTING]},
            "Stopping",
            "pod train-x7k2p on node node-1 is being stopped (EvictionByEvictionAPI: evicting)",
        ),
        (
            {"conditions": UNREACHABLE},
            "NodeUnreachable",
            "pod train-x7k2p on node node-1 ran when the node last reported",
        ),
        (
            {"meta": DELETED, "conditions": [*UNREACHABLE, EVICTING]},
            "NodeUnreachable",
            "pod train-x7k2p on node node-1 is to be stopped (EvictionByEvictionAPI: evicting), "
            "but the node does not report; no other pod takes its place until it does, or is "
            "deleted, or tainted as out-of-service",
        ),
    ],
    ids=["runs", "deleted", "evicted", "node silent", "evicted, node silent"],
)
def test_how_a_pod_runs(fields: dict[str, Any], reason: str, message: str) -> None:
    assert how_it_runs(running_pod(**fields)) == (reason, message)


TRACEBACK = "Traceback (most recent call last):\n  File ...\nValueError: no luck"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("loading\nno such file", "no such file"),
        (TRACEBACK, "ValueError: no luck"),
        (f"{TRACEBACK}\n\nDuring its handling:\n\n{TRACEBACK[:-7]}less\nbye", "ValueError: less"),
        ("Traceback (most recent call last):\n  File ...", "File ..."),
    ],
    ids=["the last", "an exception", "the last exception, not the last line", "a traceback cut"],
)
def test_of_several_lines_the_one_that_tells_is_told_and_all_are_kept(
    lines: str, told: str
) -> None:
    cause = why_pod_failed(failed_pod(code=3, says=f"{lines}\n\n"))
    assert cause.message == f"failed: exit code 3: {told}"
    assert cause.last_lines == lines


def test_of_much_that_was_said_the_end_is_told() -> None:
    cause = why_pod_failed(failed_pod(says="x\n" * 4000 + "y" * 700 + "ValueError: the cause"))
    assert cause.last_lines is not None
    assert (len(cause.last_lines), len(cause.message)) == (
        MAX_LAST_LINES,
        len("failed: exit code 1: ") + MAX_SENTENCE,
    )
    for told in (cause.message, cause.last_lines):
        assert told.endswith("ValueError: the cause")


@pytest.mark.parametrize(
    ("pods", "reason", "message"),
    [
        ([], "PodPending", "no pod yet"),
        ([pod(node=None)], "PodPending", "pod train-x7k2p waits for the scheduler"),
        ([pod()], "PodPending", "pod train-x7k2p starts on node node-1"),
        (
            [pod(worker=waiting("ContainerCreating"))],
            "PodPending",
            "pod train-x7k2p starts on node node-1",
        ),
        (
            [pod(init=waiting("PodInitializing"), worker=waiting("PodInitializing"))],
            "PodPending",
            "pod train-x7k2p starts on node node-1",
        ),
        ([pod(meta=DELETED)], "PodPending", "no pod yet"),
        ([failed_pod()], "PodPending", "no pod yet"),
    ],
)
def test_a_pod_that_only_takes_its_time_is_not_blocked(
    pods: list[Pod], reason: str, message: str
) -> None:
    assert why_not_running(pods) == Pending(reason, message)


@pytest.mark.parametrize("place", ["worker", "init"])
@pytest.mark.parametrize(
    ("waits", "reason", "message"),
    [
        (
            waiting("ImagePullBackOff", PULL),
            "ImagePullBackOff",
            'failed to pull and unpack image "nowhere/x:1": failed to resolve reference: not found',
        ),
        (waiting("ErrImagePull", "not found"), "ImagePullBackOff", "not found"),
        (
            waiting("CreateContainerConfigError", 'secret "s3" not found'),
            "CreateContainerConfigError",
            'secret "s3" not found',
        ),
        (
            waiting("InvalidImageName", "invalid reference format"),
            "InvalidImageName",
            "invalid reference format",
        ),
        (waiting("PostStartHookError", "exit 1"), "PostStartHookError", "exit 1"),
        (waiting("NobodyKnowsThisOne", "yet"), "NobodyKnowsThisOne", "yet"),
    ],
)
def test_a_container_that_cannot_start_blocks_its_pod(
    place: str, waits: dict[str, Any], reason: str, message: str
) -> None:
    found = pod(worker=waits) if place == "worker" else pod(init=waits)
    assert why_not_running([found]) == Pending(
        reason, f"pod train-x7k2p: {message}", Stage.STARTING
    )


def unscheduled(message: str = NO_NODE) -> Pod:
    told = {"status": "False", "reason": "Unschedulable", "message": message}
    return pod(node=None, conditions=[{"type": "PodScheduled", **told}])


def test_a_pod_for_which_there_is_no_node_is_blocked_on_its_way_there() -> None:
    found = why_not_running([unscheduled()])
    assert found == Pending("Unschedulable", f"pod train-x7k2p: {NO_NODE}", Stage.PLACING)


def test_of_several_pods_the_one_that_is_farthest_on_its_way_is_told() -> None:
    stuck = pod("b", index=1, worker=waiting("ErrImageNeverPull", "no"))
    waits = replace(unscheduled(), index=0)
    assert why_not_running([waits, stuck]).reason == "ErrImageNeverPull"
    assert why_not_running([pod("c", index=2), waits]).reason == "Unschedulable"


def test_the_last_attempt_is_the_newest_pod() -> None:
    old = pod("b", meta={"creationTimestamp": stamp(ago(60))})
    new = pod("a", meta={"creationTimestamp": stamp(ago(1))})
    ageless = pod("c", meta={"creationTimestamp": None})
    assert newest([old, new, ageless]) == new
    assert newest([ageless]) == ageless
    assert newest([]) is None


def test_a_job_failed_for_the_cause_of_its_last_attempt() -> None:
    first = failed_pod("a", code=1, meta={"creationTimestamp": stamp(ago(60))})
    last = failed_pod("b", code=2)
    cause = why_failed(backing(status=failed(failed=2)), [last, first])
    assert cause == Cause("Error", "failed: exit code 2 (attempt 2 of 2)", 2)


def test_a_single_attempt_is_not_numbered() -> None:
    cause = why_failed(backing(status=failed(failed=1)), [failed_pod(code=2)])
    assert cause == Cause("Error", "failed: exit code 2", 2)


def test_a_worker_that_failed_counts_though_a_sidecar_keeps_its_pod_running() -> None:
    found = pod(phase="Running", worker=terminated(2))
    assert why_failed(backing(status=failed()), [found]).exit_code == 2


def test_of_the_deadline_the_batch_job_tells_alone() -> None:
    cause = why_failed(
        backing(status=failed("DeadlineExceeded", "Job was active longer than specified deadline")),
        [failed_pod(code=143)],
    )
    assert cause == Cause(
        "DeadlineExceeded", "failed: it ran longer than its activeDeadlineSeconds"
    )


@pytest.mark.parametrize("left", [[], [running_pod()], [succeeded_pod()]])
def test_without_a_failed_pod_the_batch_job_is_quoted(left: list[Pod]) -> None:
    assert why_failed(backing(status=failed("PodFailurePolicy", "exit code 64")), left) == Cause(
        "PodFailurePolicy", "failed: exit code 64; none of its pods is left"
    )


def test_a_batch_job_that_says_nothing_failed_for_reasons_unknown() -> None:
    assert why_failed(backing(status=complete()), []).reason == "Unknown"
