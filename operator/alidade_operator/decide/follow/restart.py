"""Beginning a job anew whose pods were stopped or never ran: that is neither an end nor a failure.

Kubernetes replaces what it disrupted itself. What is left is a batch/v1 Job that counts as ended
for pods that have not finished: Complete, as one that was evicted exited with 0; Failed, as a
kubelet rejected one, or somebody deleted it. Such a batch/v1 Job is given up, which its job's
status says before it is done, and another is made, for the same MLflow run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from alidade_core.api.job import Job
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import MAX_LOST_RUNS, Fate, Retries
from alidade_core.api.reason import Reason
from alidade_core.contract import RUN_LOST, UNREACHABLE
from alidade_operator.decide.actions import DeleteBatchJob
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.follow import traces
from alidade_operator.decide.make.failure_policy import ignored_exits
from alidade_operator.decide.pods.failure import why_pod_failed, why_stopped
from alidade_operator.decide.pods.fate import being_stopped, fate
from alidade_operator.objects.views import BatchJob, Pod

# What a kubelet rejects it may reject for long: a device that is not there, a node that is full.
FIRST_PAUSE_SECONDS = 10
LONGEST_PAUSE_SECONDS = 360
_BY_POLICY = "PodFailurePolicy"
# Ends of a batch/v1 Job that somebody asked for.
_ASKED_FOR = ("DeadlineExceeded", _BY_POLICY)


@dataclass(frozen=True)
class Interruption:
    """Why a batch/v1 Job that ended is no end of its job.

    Attributes:
        message: What became of its pod, in one sentence.
        rejected: Whether that was a node's refusal to run it.
        failures: How many of its pods failed by themselves, None where those that are known tell.
        lost_run: Whether MLflow did not have the run that the pod was told of.
    """

    message: str
    rejected: bool = False
    failures: int | None = None
    lost_run: bool = False


def may_be(batch_job: BatchJob) -> bool:
    """Whether a batch/v1 Job that ended may be no end of its job: nobody asked for that end."""
    return batch_job.failure is None or batch_job.failure.reason not in _ASKED_FOR


def why(draft: Draft, batch_job: BatchJob) -> Interruption | None:
    """Say why a batch/v1 Job that ended is to be given up, None if it is not.

    Args:
        draft: The plan for the job.
        batch_job: Its batch/v1 Job.
    """
    pods = _pods(draft)
    if _found_no_run(draft, batch_job):
        failures = _own_failures(draft.snapshot.job, [p for p in pods if p.exit_code != RUN_LOST])
        message = "MLflow did not have its run any more when its pod began, and is to make another"
        return Interruption(message, failures=failures, lost_run=True)
    if batch_job.complete:
        return (
            _told(_unfinished(pods))
            or _traced(draft, batch_job)
            or _remembered(draft, batch_job, pods)
        )
    if not may_be(batch_job):
        return None
    if _own_failures(draft.snapshot.job, pods) > draft.snapshot.job.failures_left:
        return None
    if _deadline_passed(draft):
        return None
    excused = _first(pod for pod in pods if _excused(draft.snapshot.job, pod))
    return _told(excused) or _traced(draft, batch_job) or _remembered(draft, batch_job, pods)


def why_at_once(draft: Draft, batch_job: BatchJob) -> Interruption | None:
    """Say why a batch/v1 Job of several replicas is given up before it ends, None if it is not.

    To Kubernetes a replica that was stopped and exited with 0 is done, and never comes back; its
    peers would wait for it, and start anew, for ever.
    """
    if draft.snapshot.job.spec.replicas == 1:
        return None
    stopped = _unfinished([pod for pod in _pods(draft) if pod.phase == "Succeeded"])
    return _told(stopped) or _traced(draft, batch_job)


def give_up(draft: Draft, batch_job: BatchJob, interruption: Interruption) -> None:
    """Give a batch/v1 Job up, which is told before anything is done."""
    job, now = draft.snapshot.job, draft.snapshot.now
    before = draft.status.retries or Retries(last_time=now, batch_job="")
    failures = interruption.failures
    if failures is None:
        failures = _own_failures(job, _pods(draft))
    lost = (draft.status.mlflow_run_id,) if interruption.lost_run else ()
    retries = Retries(
        count=before.count + 1,
        failures=before.failures + failures,
        rejections=before.rejections + 1 if interruption.rejected else 0,
        last_time=now.replace(microsecond=0),
        batch_job=batch_job.uid,
        lost_runs=(*before.lost_runs, *filter(None, lost)),
    )
    if interruption.lost_run:
        draft.set(mlflow_run_id=None)
    draft.set(retries=retries)
    pause = _pause(retries)
    when = f"in {pause} s" if pause else "at once"
    draft.queue(Reason.RETRYING, f"{interruption.message}; it is begun anew {when}")
    clear_away(draft, batch_job)


def given_up(draft: Draft, batch_job: BatchJob) -> bool:
    """Whether it was decided before that this batch/v1 Job is given up."""
    retries = draft.status.retries
    return retries is not None and retries.batch_job == batch_job.uid


def clear_away(draft: Draft, batch_job: BatchJob) -> None:
    """See that a batch/v1 Job that was given up goes, once the logs of its pods are safe."""
    told = draft.status.message if draft.status.reason == Reason.RETRYING else None
    draft.queue(Reason.RETRYING, told or "it is begun anew")
    # Pods that still run are stopped by this, and their logs followed to their ends.
    if not batch_job.deleting and (not batch_job.ended or _logs_are_safe(draft)):
        draft.do(DeleteBatchJob(batch_job.uid, batch_job.resource_version, foreground=True))


def pauses(draft: Draft) -> bool:
    """Whether a job is left alone for a while, as no node would run its last pods."""
    retries = draft.status.retries
    if retries is None or draft.snapshot.batch_job is not None:
        return False
    pause = _pause(retries)
    return pause > 0 and not draft.due(retries.last_time, pause)


def _found_no_run(draft: Draft, batch_job: BatchJob) -> bool:
    """Whether a worker found that MLflow does not have its run, of which there can be another."""
    job, retries = draft.snapshot.job, draft.status.retries
    if job.spec.pod_failure_policy or draft.status.mlflow_run_id is None:
        return False
    if retries and len(retries.lost_runs) == MAX_LOST_RUNS:
        # Operator and pods may be speaking with different servers.
        return False
    # The only end that the policy of a job has by itself, which is known without its pods.
    return batch_job.failure is not None and batch_job.failure.reason == _BY_POLICY


def _pods(draft: Draft) -> tuple[Pod, ...]:
    return (*draft.snapshot.pods, *draft.snapshot.gone)


def _told(pod: Pod | None) -> Interruption | None:
    if pod is None:
        return None
    if fate(pod) is None:
        return Interruption(why_stopped(pod).message)
    return Interruption(why_pod_failed(pod).message, fate(pod) is Fate.NEVER_RAN)


def _remembered(draft: Draft, batch_job: BatchJob, pods: Sequence[Pod]) -> Interruption | None:
    """Say that the last pod was seen while it was being stopped, if it is not there to tell.

    It may have been of an earlier batch/v1 Job, so that events are to be preferred: of one pod they
    tell all, of several which there were.
    """
    last = traces.stopped_last(draft)
    if last is None or last.pod in {pod.name for pod in pods} or traces.wanted(draft, batch_job):
        return None
    had = {trace.pod for trace in draft.snapshot.traces or ()}
    several = draft.snapshot.job.spec.replicas > 1 and batch_job.failure is not None
    if had and not (several and last.pod in had):
        return None
    return Interruption(last.message or "")


def _traced(draft: Draft, batch_job: BatchJob) -> Interruption | None:
    """Say that a pod that nobody saw end was stopped, if events say so."""
    stopped = traces.stopped(draft, batch_job)
    if not stopped:
        return None
    failures = max(batch_job.failed - len(stopped), 0) if batch_job.failure else 0
    if failures > draft.snapshot.job.failures_left:
        return None
    message = f"stopped: pod {stopped[-1]} was stopped by its node while no operator looked"
    return Interruption(message, failures=failures)


def _pause(retries: Retries) -> int:
    if not retries.rejections:
        return 0
    doublings = min(retries.rejections - 1, LONGEST_PAUSE_SECONDS.bit_length())
    return min(FIRST_PAUSE_SECONDS << doublings, LONGEST_PAUSE_SECONDS)


def _unfinished(pods: Sequence[Pod]) -> Pod | None:
    """Return a pod that was stopped, and of whose replica no other ended well."""
    done = {pod.index for pod in pods if fate(pod) is Fate.SUCCEEDED}
    return _first(
        pod
        for pod in pods
        if pod.index not in done and (fate(pod) is Fate.STOPPED or being_stopped(pod))
    )


def _own_failures(job: Job, pods: Sequence[Pod]) -> int:
    """Count the pods that failed by themselves, less those whose exit code says otherwise."""
    ignored = ignored_exits(job)
    return sum(fate(pod) is Fate.FAILED and pod.exit_code not in ignored for pod in pods)


def _excused(job: Job, pod: Pod) -> bool:
    if pod.exit_code == UNREACHABLE and UNREACHABLE in ignored_exits(job):
        return True
    return fate(pod) in (Fate.STOPPED, Fate.NEVER_RAN)


def _deadline_passed(draft: Draft) -> bool:
    seconds = draft.snapshot.job.spec.active_deadline_seconds
    started = draft.status.condition(JobCondition.STARTED)
    if seconds is None or started is None:
        return False
    return draft.snapshot.now - started.last_transition_time >= timedelta(seconds=seconds)


def _first(pods: Iterable[Pod]) -> Pod | None:
    """Return the one that ended first; what Kubernetes disrupted comes before what followed."""

    def order(pod: Pod) -> tuple[object, ...]:
        return (pod.disruption is None, pod.ended_at is None, pod.ended_at, pod.name)

    return min(pods, key=order, default=None)


def _logs_are_safe(draft: Draft) -> bool:
    snapshot = draft.snapshot
    if not snapshot.keeps_logs or draft.status.mlflow_run_id is None:
        return True
    known = snapshot.logs
    wanted = [(pod.name, c.name) for pod in snapshot.pods for c in pod.logged]
    return all(name in known and known[name].done for name in wanted)
