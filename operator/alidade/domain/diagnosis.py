"""Why a pod does not run, and why a job failed: read off the pods, in the cluster's own words."""

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from alidade.api.reason import Reason
from alidade.domain.attempts import count_attempts, first_failed, latest
from alidade.domain.observed import BackingJob, Failure, Pod, Terminated
from alidade.domain.replicas import PEER_LOST
from alidade.domain.words import shorten

# What a kubelet says of a container whose turn has yet to come; all else that it says is trouble.
PREPARED = frozenset({"", "ContainerCreating", "PodInitializing"})
PENDING = Reason.POD_PENDING
UNSCHEDULABLE = Reason.UNSCHEDULABLE
NODE_SILENT = Reason.NODE_UNREACHABLE
# sysexits.h, as the worker contract uses it.
CONTRACT_EXITS = {
    64: Reason.INVALID_PARAMETERS,
    66: Reason.WORKFLOW_NOT_FOUND,
    PEER_LOST: Reason.PEER_LOST,
}
MAX_SENTENCE = 600
MAX_LAST_LINES = 2048
_TRACEBACK = "Traceback (most recent call last):"
_NOT_INDENTED = re.compile(r"^(?![\s|+])\S.*$", re.MULTILINE)
# A shell's and a container runtime's exit code for a process that a signal ended, less the signal.
_SIGNALLED = 128


class Stage(StrEnum):
    """What a pod cannot get past."""

    PLACING = "placing"
    """The API server refuses it, or the scheduler finds no node for it."""
    STARTING = "starting"
    """Its node cannot start its containers: an image, a volume, a variable is not there."""


@dataclass(frozen=True)
class Pending:
    """Why no pod of a released job runs; `stage` is set where something keeps it from that."""

    reason: str
    message: str
    stage: Stage | None = None


@dataclass(frozen=True)
class Cause:
    """What ended a job; `last_lines` are those of its log, where there is more than one to tell."""

    reason: str
    message: str
    exit_code: int | None = None
    last_lines: str | None = None


def why_not_running(pods: Sequence[Pod]) -> Pending:
    """Say what holds the pods of a job that has been released; of several, what may end it."""
    pending = latest([p for p in pods if p.phase == "Pending" and not p.deleting])
    found = [_why_pending(pod) for pod in pending]
    return min(found, key=_how_far, default=Pending(PENDING, "no pod yet"))


def _how_far(why: Pending) -> int:
    return (Stage.STARTING, Stage.PLACING, None).index(why.stage)


def _why_pending(pod: Pod) -> Pending:
    if pod.unschedulable:
        return Pending(UNSCHEDULABLE, f"pod {pod.name}: {pod.unschedulable}", Stage.PLACING)
    for container in (pod.init, pod.container):
        waiting = container and container.waiting
        if waiting and waiting.reason not in PREPARED:
            return _cannot_start(pod, waiting.reason, waiting.message)
    if pod.node is None:
        return Pending(PENDING, f"pod {pod.name} waits for the scheduler")
    return Pending(PENDING, f"pod {pod.name} starts on node {pod.node}")


def _cannot_start(pod: Pod, reason: str, message: str) -> Pending:
    # The kubelet alternates between the two; a status that does the same tells nothing more.
    if reason == "ErrImagePull":
        reason = "ImagePullBackOff"
    # What the registry said stands behind the kubelet's own words.
    message = message.rsplit("ErrImagePull: ", 1)[-1]
    return Pending(reason, shorten(f"pod {pod.name}: {message}"), Stage.STARTING)


def how_it_runs(pod: Pod) -> tuple[str, str]:
    """Return reason and message for a pod whose container was last reported to run."""
    where = f"pod {pod.name} on node {pod.node}"
    cause = f" ({pod.disruption.reason}: {pod.disruption.message})" if pod.disruption else ""
    if pod.node_silent and pod.deleting:
        return NODE_SILENT, (
            f"{where} is to be stopped{cause}, but the node does not report; no other pod takes "
            "its place until it does, or is deleted, or tainted as out-of-service"
        )
    if pod.node_silent:
        return NODE_SILENT, f"{where} ran when the node last reported"
    if pod.deleting:
        return Reason.STOPPING, f"{where} is being stopped{cause}"
    return Reason.RUNNING, f"pod {pod.name} runs on node {pod.node}"


def why_failed(backing: BackingJob, pods: Sequence[Pod]) -> Cause:
    """Say what ended a batch/v1 Job that failed: the cause of its last attempt where there is one.

    Args:
        backing: The batch/v1 Job, with its Failed condition.
        pods: All of its pods that can still be seen.
    """
    failure = backing.failure or Failure(Reason.UNKNOWN, "")
    if failure.reason == Reason.DEADLINE_EXCEEDED:
        return Cause(
            Reason.DEADLINE_EXCEEDED, "failed: it ran longer than its activeDeadlineSeconds"
        )
    pod = first_failed([p for p in pods if p.phase == "Failed" or p.exit_code])
    if pod is None:
        return Cause(
            failure.reason, f"failed: {failure.message or failure.reason}; none of its pods is left"
        )
    cause = why_pod_failed(pod)
    attempts, notes = backing.failed, []
    if pod.index is not None:
        attempts = count_attempts([p for p in pods if p.index == pod.index])
        notes.append(f"replica {pod.index}")
    if attempts > 1:
        notes.append(f"attempt {attempts} of {attempts}")
    return replace(cause, message=f"{cause.message} ({', '.join(notes)})") if notes else cause


def why_pod_failed(pod: Pod) -> Cause:
    """Say what ended a pod that failed."""
    ended = pod.container and pod.container.terminated
    code = pod.exit_code
    if pod.disruption:
        text = f"failed: {pod.disruption.reason}: {pod.disruption.message}"
        return Cause(pod.disruption.reason, shorten(text), code)
    if pod.reason:
        return Cause(pod.reason, shorten(f"failed: {pod.reason}: {pod.message}"), code)
    if ended and ended.exit_code:
        return _why_terminated(ended)
    init = pod.init and pod.init.terminated
    if init:
        cause = _why_terminated(init)
        return replace(cause, message=f"{cause.message} (init container)")
    why = pod.message or ("another of its containers failed" if ended else "the pod failed")
    return Cause(Reason.POD_FAILED, shorten(f"failed: {why}"))


def _why_terminated(ended: Terminated) -> Cause:
    code = ended.exit_code
    vague = ended.reason in ("", Reason.ERROR, Reason.COMPLETED)
    reason = CONTRACT_EXITS.get(code, Reason.ERROR if vague else ended.reason)
    words = [] if reason == Reason.ERROR else [reason]
    words.append(f"exit code {code}{_signal(code)}")
    text = ended.message.strip()
    said = f": {shorten(_telling_line(text), MAX_SENTENCE)}" if text else ""
    last_lines = shorten(text, MAX_LAST_LINES) if "\n" in text else None
    return Cause(reason, f"failed: {', '.join(words)}{said}", code, last_lines)


def _telling_line(text: str) -> str:
    """Return the line that names the exception of the last traceback, or else the last line."""
    _, found, after = text.rpartition(_TRACEBACK)
    named = _NOT_INDENTED.search(after) if found else None
    return named.group() if named else text.splitlines()[-1]


def _signal(code: int) -> str:
    try:
        return f" ({signal.Signals(code - _SIGNALLED).name})" if code > _SIGNALLED else ""
    except ValueError:
        return ""
