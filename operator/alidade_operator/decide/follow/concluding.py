"""A job whose batch/v1 Job has ended: how it ended, once its pods can tell."""

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState
from alidade_core.api.reason import Reason
from alidade_operator.decide.actions import (
    ReadLastLines,
    ReadPods,
    ReadTraces,
)
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.follow import parallel, restart, traces
from alidade_operator.decide.follow.outputs import read_outputs
from alidade_operator.decide.make.failure_policy import ignored_exits
from alidade_operator.decide.pods.attempts import newest
from alidade_operator.decide.pods.failure import (
    killed_for_memory,
    told_of,
    who_tells,
    why_failed,
)
from alidade_operator.objects.views import BatchJob, Pod

UNSEEN = "ended well, as batch/v1 counts; what it gave was gone before that could be read"


def conclude(draft: Draft, batch_job: BatchJob) -> None:
    """End the job as its batch/v1 Job ended, once its pods can tell how."""
    snapshot = draft.snapshot
    over = [p for p in snapshot.pods if p.over]
    if batch_job.complete:
        told, wanted = sum(p.phase == "Succeeded" for p in over), batch_job.succeeded
    else:
        told, wanted = sum(_is_counted(draft.snapshot.job, p) for p in over), batch_job.failed
    some_missing = told < max(wanted, 1)
    # A batch/v1 Job ends after the last of its pods, and one that was stopped before, and does not
    # count, must not be taken for one of which the watch has yet to tell.
    lively = (p for p in snapshot.pods if not p.ended and (some_missing or not p.node_silent))
    behind = any(lively) and _is_told_by_pods(batch_job)
    if (some_missing or behind) and not snapshot.pods_complete:
        # The watches of pods and of jobs are not in step.
        draft.do(ReadPods())
        return
    if behind:
        # No list has that pod any more; how it ended, the watch has yet to tell.
        return
    if batch_job.complete:
        note_that_it_ran(draft)
    interruption = restart.why(draft, batch_job)
    if interruption is not None:
        if batch_job.failed and not snapshot.pods_complete:
            # One that was stopped may not be among those that batch/v1 counts, as one that failed
            # is, of which the watch has yet to tell.
            draft.do(ReadPods())
        else:
            restart.give_up(draft, batch_job, interruption)
        return
    if some_missing and restart.may_be(batch_job) and traces.wanted(draft, batch_job):
        draft.do(ReadTraces(batch_job.uid, batch_job.succeeded))
        return
    if batch_job.complete:
        _finish(draft, [*over, *(p for p in snapshot.gone if p.over)])
        return
    who = who_tells(batch_job, snapshot.pods) if snapshot.keeps_logs else None
    if who and who not in snapshot.said:
        draft.do(ReadLastLines(*who))
        return
    cause = why_failed(batch_job, snapshot.pods, snapshot.said[who] if who else None)
    draft.fail(cause.reason, cause.message, exit_code=cause.exit_code, last_lines=cause.last_lines)


def _is_told_by_pods(batch_job: BatchJob) -> bool:
    """Whether how a batch/v1 Job ended is more than it says of itself."""
    return batch_job.failure is None or batch_job.failure.reason != Reason.DEADLINE_EXCEEDED


def _is_counted(job: Job, pod: Pod) -> bool:
    """Whether batch/v1 counts the pod as failed: not if its policy has it ignored."""
    return pod.disruption is None and pod.exit_code not in ignored_exits(job)


def note_that_it_ran(draft: Draft) -> None:
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
