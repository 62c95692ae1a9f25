"""What ended a job or a pod of it: read off the pods, in the cluster's own words."""

import json
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from alidade_core import last_words
from alidade_core.api.job_status import Fate
from alidade_core.api.reason import Reason
from alidade_core.contract import (
    EXIT_CODE,
    MESSAGE,
    NO_WORKFLOW,
    OOM_KILLS,
    PEER_LOST,
    REASON,
    RESERVED,
    RUN_LOST,
    UNREACHABLE,
    USAGE,
)
from alidade_core.words import shorten
from alidade_operator.decide.pods.attempts import count_attempts, first_failed
from alidade_operator.decide.pods.fate import fate, is_lost
from alidade_operator.decide.pods.unsupported import is_unsupported, why_unsupported
from alidade_operator.objects.views import BatchJob, Failure, Pod, Terminated

CONTRACT_EXITS = {
    USAGE: Reason.INVALID_PARAMETERS,
    NO_WORKFLOW: Reason.WORKFLOW_NOT_FOUND,
    UNREACHABLE: Reason.TRACKING_UNAVAILABLE,
    PEER_LOST: Reason.PEER_LOST,
    RUN_LOST: Reason.RUN_GONE,
}
_MAX_DIGITS = 9
# A shell's and a container runtime's exit code for a process that a signal ended, less the signal.
_SIGNALLED = 128
_KILLED = _SIGNALLED + signal.SIGKILL


@dataclass(frozen=True)
class Cause:
    """What ended a job; `last_lines` are those of its log, where there is more than one to tell."""

    reason: str
    message: str
    exit_code: int | None = None
    last_lines: str | None = None


def why_failed(batch_job: BatchJob, pods: Sequence[Pod], log: str | None = None) -> Cause:
    """Say what ended a batch/v1 Job that failed: the cause of its last attempt where there is one.

    Args:
        batch_job: The batch/v1 Job, with its Failed condition.
        pods: All of its pods that can still be seen.
        log: The end of the log that tells, of what `who_tells` names; None where it is not there.
    """
    failure = batch_job.failure or Failure(Reason.UNKNOWN, "")
    if failure.reason == Reason.DEADLINE_EXCEEDED:
        return Cause(
            Reason.DEADLINE_EXCEEDED, "failed: it ran longer than its activeDeadlineSeconds"
        )
    pod = _who_failed(pods)
    if pod is None:
        return Cause(
            failure.reason, f"failed: {failure.message or failure.reason}; none of its pods is left"
        )
    cause = why_pod_failed(pod, log)
    attempts, notes = batch_job.failed, []
    if pod.index is not None:
        attempts = count_attempts([p for p in pods if p.index == pod.index])
        notes.append(f"replica {pod.index}")
    if attempts > 1:
        notes.append(f"attempt {attempts} of {attempts}")
    return replace(cause, message=f"{cause.message} ({', '.join(notes)})") if notes else cause


def who_tells(batch_job: BatchJob, pods: Sequence[Pod]) -> tuple[str, str] | None:
    """Return of which pod, and which container of it, the log tells what ended a batch/v1 Job."""
    pod = _who_failed(pods)
    by_itself = pod is not None and fate(pod) is Fate.FAILED and not pod.reason
    late = batch_job.failure is None or batch_job.failure.reason == Reason.DEADLINE_EXCEEDED
    if pod is None or not by_itself or late:
        return None
    failed = pod.container if pod.exit_code else pod.init
    return (pod.name, failed.name) if failed and failed.ran else None


def _who_failed(pods: Sequence[Pod]) -> Pod | None:
    return first_failed([p for p in pods if p.phase == "Failed" or p.exit_code])


def why_pod_failed(pod: Pod, log: str | None = None) -> Cause:
    """Say what ended a pod that did not end well; its log tells, where that is at hand."""
    match fate(pod):
        case Fate.STOPPED:
            return why_stopped(pod)
        case Fate.NEVER_RAN:
            reason, words = pod.reason or Reason.POD_FAILED, pod.message or "the pod failed"
            return Cause(reason, shorten(f"never ran: {reason}: {words}"))
    ended, code = pod.container and pod.container.terminated, pod.exit_code
    if pod.reason:
        return Cause(pod.reason, shorten(f"failed: {pod.reason}: {pod.message}"), code)
    if ended and ended.exit_code:
        return _why_terminated(pod, ended, log)
    init = pod.init and pod.init.terminated
    if init:
        cause = _why_terminated(replace(pod, memory_limit=None), init, log)
        return replace(cause, message=f"{cause.message} (init container)")
    why = pod.message or ("another of its containers failed" if ended else "the pod failed")
    return Cause(Reason.POD_FAILED, shorten(f"failed: {why}"))


def killed_for_memory(ended: Terminated) -> int:
    """Return how many processes of a container the kernel killed for want of memory.

    A worker counts them. A runtime tells of one, by the reason, whatever the exit code is.
    """
    return _killed(ended, _reserved(ended))


def why_stopped(pod: Pod) -> Cause:
    """Say what ended, or ends, a pod that was asked to end."""
    lost = is_lost(pod)
    # Of a container that had not begun when its pod was stopped, or of whose end it does not know,
    # a kubelet says 137, which nothing has exited with.
    code = None if lost else pod.exit_code
    if pod.disruption:
        text = f"stopped: {pod.disruption.reason}: {pod.disruption.message}"
        return Cause(pod.disruption.reason, shorten(text), code)
    if lost and not (pod.stopped or pod.graceful):
        why = "its node lost its container: it was restarted, or its container runtime emptied"
        return Cause(Reason.CONTAINER_LOST, f"stopped: {why}", pod.exit_code)
    ran = " while it ran" if pod.ran else ""
    ended = "" if code is None else f", and ended with exit code {code}{_signal(code)}"
    return Cause(Reason.POD_STOPPED, f"stopped: pod {pod.name} was deleted{ran}{ended}", code)


def _why_terminated(pod: Pod, ended: Terminated, log: str | None = None) -> Cause:
    own = _reserved(ended)
    code, kills = ended.exit_code, _killed(ended, own)
    if is_unsupported(pod):
        return Cause(Reason.SOURCE_UNSUPPORTED, f"failed: {why_unsupported(pod)}", code)
    vague = ended.reason in ("", Reason.ERROR, Reason.COMPLETED)
    alone = code == PEER_LOST and pod.index is None
    contract = None if alone else _by_contract(code, own)
    reason = contract or (Reason.ERROR if vague else ended.reason)
    # A worker's own codes are not an entry point's to end its container with.
    code = _number(own, EXIT_CODE) or code
    starved = _starved(pod, ended, own) if reason == Reason.ERROR else ""
    reason = Reason.OOM_KILLED if starved else reason
    words = [] if reason == Reason.ERROR else [reason]
    words.append(f"exit code {code}{_signal(code)}")
    said, text = _said(ended, own.get(MESSAGE, "") if own else ended.message, log)
    told = f": {said}" if said and not starved else ""
    if kills and not starved and reason != Reason.OOM_KILLED:
        starved = f"; {told_of(kills)}"
    message = f"failed: {', '.join(words)}{told}{starved}"
    return Cause(reason, message, code, last_words.last_lines(text))


def _by_contract(code: int, own: Mapping[str, str]) -> Reason | None:
    """Return what an exit code of the contract means, and of one with several, which it was."""
    if code == UNREACHABLE and own.get(REASON) == Reason.SOURCE_UNAVAILABLE:
        return Reason.SOURCE_UNAVAILABLE
    return CONTRACT_EXITS.get(code)


def _said(ended: Terminated, message: str, log: str | None) -> tuple[str | None, str]:
    """Return what a container said of its end in one sentence, and all that is there of it.

    A termination message that is not the end of the log was written on purpose.
    """
    if not log:
        return last_words.cause(message, ended.exit_code), message
    on_purpose = message.strip() and message.strip() not in log
    told = message if on_purpose or ended.exit_code in CONTRACT_EXITS else log
    return last_words.cause(told or log, ended.exit_code), log


def _reserved(ended: Terminated) -> Mapping[str, str]:
    """Return what a termination message says that is the worker's own."""
    if not ended.message.lstrip().startswith("{"):
        return {}
    try:
        found = json.loads(ended.message)
    except (ValueError, RecursionError):
        return {}
    return {key: v for key, v in found.items() if key.startswith(RESERVED) and isinstance(v, str)}


def _killed(ended: Terminated, own: Mapping[str, str]) -> int:
    return _number(own, OOM_KILLS) or int(ended.reason == Reason.OOM_KILLED)


def _number(own: Mapping[str, str], key: str) -> int:
    told = own.get(key, "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < _MAX_DIGITS else 0


def told_of(kills: int) -> str:
    """Say that processes of a container were killed for want of memory."""
    who = "a process of it was" if kills == 1 else f"{kills} processes of it were"
    return f"{who} killed for want of memory"


def _starved(pod: Pod, ended: Terminated, own: Mapping[str, str]) -> str:
    """Say that a container ended for want of memory, where that is known, or is most likely.

    The kernel kills without a word, and not every runtime tells in time that it did.
    """
    if ended.exit_code != _KILLED or ended.reason == Reason.OOM_KILLED:
        return ""
    if kills := _killed(ended, own):
        return f": {told_of(kills)}"
    # A worker that knows better says so.
    if pod.memory_limit is None or pod.probed or own.get(OOM_KILLS) == "0":
        return ""
    return f": most likely for want of memory, of which it may have {pod.memory_limit}"


def _signal(code: int) -> str:
    try:
        return f" ({signal.Signals(code - _SIGNALLED).name})" if code > _SIGNALLED else ""
    except ValueError:
        return ""
