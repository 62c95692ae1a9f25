"""A job that has been released: from its pods to its end."""

import json

from alidade_core.api.job import Job
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import Fate, JobState
from alidade_core.api.queue import StopPolicy
from alidade_core.api.reason import Reason
from alidade_core.contract import RESERVED
from alidade_core.words import quoted_list
from alidade_operator.domain import (
    again,
    blocked,
    flavors,
    kueue,
    parallel,
    placement,
    pod_warnings,
    refused,
    traces,
)
from alidade_operator.domain.actions import (
    ReadLastLines,
    ReadNamespace,
    ReadPods,
    ReadTraces,
    Suspend,
)
from alidade_operator.domain.attempts import newest
from alidade_operator.domain.backing import suspend_patch
from alidade_operator.domain.diagnosis import (
    PENDING,
    Pending,
    how_it_runs,
    why_not_running,
)
from alidade_operator.domain.draft import Draft
from alidade_operator.domain.failure import (
    killed_for_memory,
    told_of,
    who_tells,
    why_failed,
    why_pod_failed,
)
from alidade_operator.domain.failure_policy import ignored_exits
from alidade_operator.domain.fate import fate
from alidade_operator.domain.observed import BackingJob, Pod
from alidade_operator.domain.unsupported import first_unsupported, why_unsupported

UNSEEN = "ended well, as batch/v1 counts; what it gave was gone before that could be read"


def follow(draft: Draft) -> None:
    """Tell the state of a job whose batch/v1 Job may run."""
    snapshot = draft.snapshot
    backing = snapshot.backing
    if backing is None:
        raise ValueError("only a job with a batch/v1 Job can be followed")
    # A status that somebody has cleared does not tell any more.
    draft.set(
        queue=draft.status.queue or backing.queue, flavor=draft.status.flavor or backing.flavor
    )
    if flavors.leave(draft, backing) or kueue.taken_back(draft, backing):
        return
    if again.given_up(draft, backing):
        again.clear_away(draft, backing)
        return
    _note_start(draft)
    reason = None if backing.ended or backing.deleting else _why_stop(draft)
    if reason:
        _stop(draft, backing, reason)
        return
    if not snapshot.was_released:
        draft.run(Reason.RELEASED, "its batch/v1 Job runs")
    if backing.ended:
        draft.unblock()
        _conclude(draft, backing)
    elif backing.deleting:
        cancel_with_backing(draft)
    elif interruption := again.why_at_once(draft, backing):
        _note_that_it_ran(draft)
        again.give_up(draft, backing, interruption)
    else:
        _watch(draft, backing)
        if snapshot.job.spec.replicas > 1 and traces.wanted(draft, backing):
            draft.do(ReadTraces(backing.uid, backing.succeeded))


def cancel_with_backing(draft: Draft) -> None:
    """End a job whose batch/v1 Job somebody deleted while it ran, which is what they meant."""
    if draft.snapshot.namespace_ends is None:
        draft.do(ReadNamespace())
    elif draft.snapshot.namespace_ends:
        # What is in a namespace goes in no order.
        draft.end(JobState.CANCELLED, Reason.DELETED, "cancelled: its namespace is being deleted")
    else:
        message = "cancelled: someone deleted its batch/v1 Job (kubectl delete job) while it ran"
        draft.end(JobState.CANCELLED, Reason.BACKING_JOB_DELETED, message)


def begin_after_restore(draft: Draft) -> None:
    """Begin a job again whose batch/v1 Job a backup does not have: nobody has deleted it."""
    message = "the API server's store was restored, without its batch/v1 Job; it is begun anew"
    draft.queue(Reason.RETRYING, message)


def _why_stop(draft: Draft) -> str | None:
    if draft.snapshot.job.spec.suspend:
        return Reason.SUSPENDED
    queue = draft.snapshot.queue
    if queue and queue.spec.stop_policy is StopPolicy.HOLD_AND_DRAIN:
        return Reason.QUEUE_HELD
    return None


def _stop(draft: Draft, backing: BackingJob, reason: str) -> None:
    if why := refused.why_it_runs_on(draft):
        draft.run(Reason.REQUEST_REFUSED, f"runs on, though it is to stop ({reason}): {why}")
    else:
        draft.queue(reason, "its pods are being stopped")
    if backing.local_queue:
        kueue.take_back(draft, backing)
    else:
        draft.do(Suspend(suspend_patch(backing)))


def _note_start(draft: Draft) -> None:
    if draft.status.start_time is not None:
        return
    known = (*draft.snapshot.pods, *draft.snapshot.gone)
    starts = [pod.started for pod in known if pod.started is not None]
    if starts:
        # A node's clock may be ahead or behind, but no job starts before its dependencies are met,
        # nor ends before it starts.
        met, now = draft.status.condition(JobCondition.DEPENDENCIES_MET), draft.snapshot.now
        earliest = [met.last_transition_time] if met else []
        draft.start(min(max([min(starts), *earliest]), now.replace(microsecond=0)))


def _watch(draft: Draft, backing: BackingJob) -> None:
    pods, replicas = draft.snapshot.pods, draft.snapshot.job.spec.replicas
    runs = [p for p in pods if p.container and p.container.running_since and p.phase == "Running"]
    if hopeless := first_unsupported(pods):
        # No other attempt would fare better.
        message = f"failed: {why_unsupported(hopeless)}"
        draft.fail(Reason.SOURCE_UNSUPPORTED, message, exit_code=hopeless.exit_code)
        return
    pod = newest(runs)
    if pod is not None and replicas == 1:
        blocked.forget(draft)
        draft.run(*how_it_runs(pod))
        return
    over = parallel.what_ended([p for p in pods if p.ended])
    pending = _why_pending(draft, backing)
    if runs:
        draft.run(*parallel.progress(pods, runs, replicas, pending))
    elif over is not None:
        _between_attempts(draft, backing, over, pending.message)
    else:
        # No pod yet; or one that ran is gone without a trace, or not yet reported on.
        draft.run(pending.reason, pending.message)
    blocked.note(draft, pending)
    flavors.mind(draft, backing, pending)
    blocked.mind_deadline(draft, pending)
    placement.mind(draft, backing, pending)


def _why_pending(draft: Draft, backing: BackingJob) -> Pending:
    rejected = pod_warnings.why_rejected(draft, backing)
    if rejected is not None:
        return rejected
    pending = why_not_running(draft.snapshot.pods)
    if pending.reason != PENDING:
        return pending
    return pod_warnings.why_not_started(draft) or pending


def _between_attempts(draft: Draft, backing: BackingJob, over: Pod, next_: str) -> None:
    beside = f"; still running beside it: {quoted_list(over.beside)}" if over.beside else ""
    if parallel.ended_well(over):
        draft.run(Reason.COMPLETING, f"pod {over.name} ended well{beside}")
        return
    cause = why_pod_failed(over)
    ignored = over.exit_code in ignored_exits(draft.snapshot.job)
    if backing.failed or fate(over) in (Fate.STOPPED, Fate.NEVER_RAN) or ignored:
        draft.run(Reason.RETRYING, f"{cause.message}; next attempt: {next_}")
    else:
        draft.run(Reason.COMPLETING, f"{cause.message}{beside}")


def _conclude(draft: Draft, backing: BackingJob) -> None:
    """End the job as its batch/v1 Job ended, once its pods can tell how."""
    snapshot = draft.snapshot
    over = [p for p in snapshot.pods if p.over]
    if backing.complete:
        told, wanted = sum(p.phase == "Succeeded" for p in over), backing.succeeded
    else:
        told, wanted = sum(_is_counted(draft.snapshot.job, p) for p in over), backing.failed
    some_missing = told < max(wanted, 1)
    # A batch/v1 Job ends after the last of its pods, and one that was stopped before, and does not
    # count, must not be taken for one of which the watch has yet to tell.
    lively = (p for p in snapshot.pods if not p.ended and (some_missing or not p.node_silent))
    behind = any(lively) and _is_told_by_pods(backing)
    if (some_missing or behind) and not snapshot.pods_complete:
        # The watches of pods and of jobs are not in step.
        draft.do(ReadPods())
        return
    if behind:
        # No list has that pod any more; how it ended, the watch has yet to tell.
        return
    if backing.complete:
        _note_that_it_ran(draft)
    interruption = again.why(draft, backing)
    if interruption is not None:
        if backing.failed and not snapshot.pods_complete:
            # One that was stopped may not be among those that batch/v1 counts, as one that failed
            # is, of which the watch has yet to tell.
            draft.do(ReadPods())
        else:
            again.give_up(draft, backing, interruption)
        return
    if some_missing and again.may_be(backing) and traces.wanted(draft, backing):
        draft.do(ReadTraces(backing.uid, backing.succeeded))
        return
    if backing.complete:
        _finish(draft, [*over, *(p for p in snapshot.gone if p.over)])
        return
    who = who_tells(backing, snapshot.pods) if snapshot.keeps_logs else None
    if who and who not in snapshot.said:
        draft.do(ReadLastLines(*who))
        return
    cause = why_failed(backing, snapshot.pods, snapshot.said[who] if who else None)
    draft.fail(cause.reason, cause.message, exit_code=cause.exit_code, last_lines=cause.last_lines)


def _is_told_by_pods(backing: BackingJob) -> bool:
    """Whether how a batch/v1 Job ended is more than it says of itself."""
    return backing.failure is None or backing.failure.reason != Reason.DEADLINE_EXCEEDED


def _is_counted(job: Job, pod: Pod) -> bool:
    """Whether batch/v1 counts the pod as failed: not if its policy has it ignored."""
    return pod.disruption is None and pod.exit_code not in ignored_exits(job)


def _note_that_it_ran(draft: Draft) -> None:
    """Note the start of a job of which a pod ended with 0, even if none is left to say when."""
    if draft.status.start_time is None:
        draft.start(draft.snapshot.now.replace(microsecond=0))


def _finish(draft: Draft, over: list[Pod]) -> None:
    # Of several replicas the first gives the outputs.
    pod = newest([p for p in over if parallel.ended_well(p) and not p.index])
    told = pod.container.terminated if pod and pod.container else None
    said = told.message if told else ""
    outputs, trouble = read_outputs(said)
    draft.set(outputs=outputs)
    replicas = draft.snapshot.job.spec.replicas
    if pod is None:
        well = UNSEEN
    else:
        well = f"{pod.name} ended well" if replicas == 1 else f"all {replicas} pods ended well"
    kills = killed_for_memory(told) if told else 0
    starved = f", but {told_of(kills)}" if kills else ""
    draft.end(JobState.FINISHED, Reason.COMPLETED, f"{trouble or well}{starved}")


def read_outputs(text: str) -> tuple[dict[str, str], str | None]:
    """Read a job's outputs off its termination message.

    Returns:
        The outputs, and a sentence where the message is no JSON object of strings.
    """
    if not text.strip().startswith("{"):
        return {}, None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        return {}, f"ended well, but its termination message is no JSON ({error}): no outputs"
    found = {name: value for name, value in found.items() if not name.startswith(RESERVED)}
    wrong = [name for name, value in found.items() if not isinstance(value, str)]
    if wrong:
        return (
            {name: value for name, value in found.items() if isinstance(value, str)},
            f"ended well, but outputs {quoted_list(wrong)} are no strings and were left out",
        )
    return found, None
