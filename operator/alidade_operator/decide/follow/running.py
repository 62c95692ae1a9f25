"""A job that has been released: what its pods do, and what keeps them from it."""

from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import Fate
from alidade_core.api.queue import StopPolicy
from alidade_core.api.reason import Reason
from alidade_core.words import quoted_list
from alidade_operator.decide import refused
from alidade_operator.decide.actions import (
    ReadTraces,
    Suspend,
)
from alidade_operator.decide.admission import flavors, kueue, placement
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.follow import parallel, pod_warnings, restart, traces
from alidade_operator.decide.follow.bereft import cancel
from alidade_operator.decide.follow.concluding import conclude, note_that_it_ran
from alidade_operator.decide.make.failure_policy import ignored_exits
from alidade_operator.decide.make.release import suspend_patch
from alidade_operator.decide.pods import blocked
from alidade_operator.decide.pods.attempts import newest
from alidade_operator.decide.pods.diagnosis import PENDING, Pending, how_it_runs, why_not_running
from alidade_operator.decide.pods.failure import (
    why_pod_failed,
)
from alidade_operator.decide.pods.fate import fate
from alidade_operator.decide.pods.unsupported import first_unsupported, why_unsupported
from alidade_operator.objects.views import BatchJob, Pod


def follow(draft: Draft) -> None:
    """Tell the state of a job whose batch/v1 Job may run."""
    snapshot = draft.snapshot
    batch_job = snapshot.batch_job
    if batch_job is None:
        raise ValueError("only a job with a batch/v1 Job can be followed")
    # A status that somebody has cleared does not tell any more.
    draft.set(
        queue=draft.status.queue or batch_job.queue, flavor=draft.status.flavor or batch_job.flavor
    )
    if flavors.leave(draft, batch_job) or kueue.taken_back(draft, batch_job):
        return
    if restart.given_up(draft, batch_job):
        restart.clear_away(draft, batch_job)
        return
    _note_start(draft)
    reason = None if batch_job.ended or batch_job.deleting else _why_stop(draft)
    if reason:
        _stop(draft, batch_job, reason)
        return
    if not snapshot.was_released:
        draft.run(Reason.RELEASED, "its batch/v1 Job runs")
    if batch_job.ended:
        draft.unblock()
        conclude(draft, batch_job)
    elif batch_job.deleting:
        cancel(draft)
    elif interruption := restart.why_at_once(draft, batch_job):
        note_that_it_ran(draft)
        restart.give_up(draft, batch_job, interruption)
    else:
        _watch(draft, batch_job)
        if snapshot.job.spec.replicas > 1 and traces.wanted(draft, batch_job):
            draft.do(ReadTraces(batch_job.uid, batch_job.succeeded))


def _why_stop(draft: Draft) -> str | None:
    if draft.snapshot.job.spec.suspend:
        return Reason.SUSPENDED
    queue = draft.snapshot.queue
    if queue and queue.spec.stop_policy is StopPolicy.HOLD_AND_DRAIN:
        return Reason.QUEUE_HELD
    return None


def _stop(draft: Draft, batch_job: BatchJob, reason: str) -> None:
    if why := refused.why_it_runs_on(draft):
        draft.run(Reason.REQUEST_REFUSED, f"runs on, though it is to stop ({reason}): {why}")
    else:
        draft.queue(reason, "its pods are being stopped")
    if batch_job.local_queue:
        kueue.take_back(draft, batch_job)
    else:
        draft.do(Suspend(suspend_patch(batch_job)))


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


def _watch(draft: Draft, batch_job: BatchJob) -> None:
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
    pending = _why_pending(draft, batch_job)
    if runs:
        draft.run(*parallel.progress(pods, runs, replicas, pending))
    elif over is not None:
        _between_attempts(draft, batch_job, over, pending.message)
    else:
        # No pod yet; or one that ran is gone without a trace, or not yet reported on.
        draft.run(pending.reason, pending.message)
    blocked.note(draft, pending)
    flavors.fall_back(draft, batch_job, pending)
    blocked.enforce_deadline(draft, pending)
    placement.give_back(draft, batch_job, pending)


def _why_pending(draft: Draft, batch_job: BatchJob) -> Pending:
    rejected = pod_warnings.why_rejected(draft, batch_job)
    if rejected is not None:
        return rejected
    pending = why_not_running(draft.snapshot.pods)
    if pending.reason != PENDING:
        return pending
    return pod_warnings.why_not_started(draft) or pending


def _between_attempts(draft: Draft, batch_job: BatchJob, over: Pod, next_: str) -> None:
    beside = f"; still running beside it: {quoted_list(over.beside)}" if over.beside else ""
    if parallel.ended_well(over):
        draft.run(Reason.COMPLETING, f"pod {over.name} ended well{beside}")
        return
    cause = why_pod_failed(over)
    ignored = over.exit_code in ignored_exits(draft.snapshot.job)
    if batch_job.failed or fate(over) in (Fate.STOPPED, Fate.NEVER_RAN) or ignored:
        draft.run(Reason.RETRYING, f"{cause.message}; next attempt: {next_}")
    else:
        draft.run(Reason.COMPLETING, f"{cause.message}{beside}")
