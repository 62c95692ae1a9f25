"""The one place where it is decided what becomes of a job.

`plan` is pure and total: a snapshot in, the job's next status and the actions that lead on out.
It is level-triggered: it asks what is, never what happened, so that events may come twice, late,
in any order, or not at all over a restart.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from alidade.api.job import DependencyStatus, Job, JobState, JobStatus
from alidade.api.reason import Reason
from alidade.domain import accepted, blocked, ending, flavors, kueue, mlflow_run, pod_logs, running
from alidade.domain import backing as backing_job
from alidade.domain.actions import Action, CreateBacking, DeleteBacking, Release
from alidade.domain.admission import NotYet
from alidade.domain.dependencies import Undecided, Unsatisfiable, judge
from alidade.domain.draft import Draft
from alidade.domain.history import note_attempts
from alidade.domain.observed import BackingJob
from alidade.domain.parameters import resolve
from alidade.domain.snapshot import Snapshot

# A refused batch/v1 Job is tried again: quotas are raised and name conflicts cleared away.
RETRY_REJECTED_SECONDS = 15


@dataclass(frozen=True)
class Plan:
    """What is to be.

    Attributes:
        status: The job's status, to be written before any action is taken.
        actions: What to do then, in order.
        wants_place: Whether the job waits for nothing but a place in its queue.
        wake_after: When to plan again even if nothing happens.
    """

    status: JobStatus
    actions: tuple[Action, ...] = ()
    wants_place: bool = False
    wake_after: timedelta | None = None


def plan(snapshot: Snapshot) -> Plan:
    """Decide what becomes of a job."""
    draft = Draft(snapshot)
    if snapshot.run.tracking_id:
        draft.set(mlflow_run_id=snapshot.run.tracking_id)
    if snapshot.job.metadata.deletion_timestamp is not None:
        # What it owns is being deleted with it, and would only be made again.
        pod_logs.archive(draft)
        return Plan(snapshot.job.status, tuple(draft.actions))
    note_attempts(draft)
    accepted.compare(draft)
    _bring_on(draft)
    pod_logs.archive(draft)
    return Plan(draft.status, tuple(draft.actions), draft.wants_place, draft.wake_after)


def _bring_on(draft: Draft) -> None:
    snapshot = draft.snapshot
    if snapshot.job.status.ended:
        ending.after_the_end(draft)
        return
    if snapshot.backing and _under_way(snapshot.backing) and not snapshot.job.spec.cancel:
        running.follow(draft)
        return
    blocked.clear(draft)
    if snapshot.job.spec.cancel:
        draft.end(JobState.CANCELLED, Reason.CANCELLED, "cancelled by spec.cancel")
    elif snapshot.backing is None and _was_released(snapshot):
        draft.fail(
            Reason.BACKING_JOB_DELETED,
            "failed: its batch/v1 Job was deleted by someone while it ran",
        )
    else:
        _prepare(draft)


def plan_deleted(snapshot: Snapshot) -> Plan | None:
    """Decide what is left to do for a job that was deleted; None where nothing is.

    Its run is ended as that of a cancelled job, if it was not over.
    """
    draft = Draft(snapshot)
    if snapshot.run.tracking_id:
        draft.set(mlflow_run_id=snapshot.run.tracking_id)
    note_attempts(draft)
    if not draft.status.ended:
        draft.end(JobState.CANCELLED, Reason.DELETED, "was deleted")
    mlflow_run.settle(draft)
    pod_logs.archive(draft)
    if mlflow_run.settled(draft) and pod_logs.archived(draft):
        return None
    return Plan(draft.status, tuple(draft.actions))


def _under_way(backing: BackingJob) -> bool:
    return (not backing.suspended or backing.ended) and not kueue.seized(backing)


def _was_released(snapshot: Snapshot) -> bool:
    suspended = snapshot.job.status.condition("Suspended")
    return suspended is not None and suspended.status == "False"


def _prepare(draft: Draft) -> None:
    """Lead a job that has not been released up to its release."""
    snapshot = draft.snapshot
    verdict = judge(snapshot.job, snapshot.others, snapshot.cycle)
    resolution = resolve(snapshot.job, _met(snapshot, verdict.entries))
    draft.set(
        dependencies=verdict.entries,
        parameters=resolution.values,
        queue=snapshot.queue.metadata.name if snapshot.queue else draft.status.queue,
    )
    if isinstance(verdict, Unsatisfiable):
        _end_for_dependency(draft, verdict)
        return
    if accepted.kept_back(draft) or not _accept(draft):
        return
    if isinstance(verdict, Undecided):
        draft.condition("DependenciesMet", False, verdict.reason, verdict.message)
        draft.wait(verdict.reason, verdict.message)
        return
    if resolution.impossible:
        draft.fail(Reason.PARAMETER_UNRESOLVED, f"failed: {resolution.impossible}")
        return
    if resolution.invalid:
        draft.fail(Reason.PARAMETER_INVALID, f"failed: {resolution.invalid}")
        return
    if resolution.pending:
        draft.wait(Reason.PARAMETER_PENDING, resolution.pending)
        return
    draft.condition("DependenciesMet", True, Reason.DEPENDENCIES_MET)
    _queue(draft)


def _met(snapshot: Snapshot, entries: tuple[DependencyStatus, ...]) -> dict[str, Job]:
    # No value may be taken from a dependency that is not decided, nor from another of its name.
    met = {entry.name: entry.uid for entry in entries if entry.met}
    return {
        name: other
        for name, other in snapshot.others.items()
        if met.get(name) == other.metadata.uid
    }


def _end_for_dependency(draft: Draft, verdict: Unsatisfiable) -> None:
    draft.condition("DependenciesMet", False, Reason.DEPENDENCY_UNSATISFIED, verdict.message)
    draft.end(verdict.end, Reason.DEPENDENCY_UNSATISFIED, verdict.message, cause=verdict.root_cause)


def _accept(draft: Draft) -> bool:
    """See that the job's batch/v1 Job stands there suspended; say what is in the way if not."""
    snapshot = draft.snapshot
    job, experiment, queue = snapshot.job, snapshot.experiment, snapshot.queue
    if experiment is None:
        name = job.spec.experiment
        draft.wait(Reason.EXPERIMENT_NOT_FOUND, f"no experiment '{name}' in this namespace (yet)")
        return False
    if queue is None:
        wanted = job.spec.queue or experiment.spec.queue
        if wanted is None:
            draft.wait(
                Reason.QUEUE_NOT_FOUND,
                "neither spec.queue nor the experiment's spec.queue names a queue",
            )
        else:
            draft.wait(Reason.QUEUE_NOT_FOUND, f"no queue '{wanted}' in this namespace (yet)")
        return False
    draft.set(flavor=flavors.current(queue, draft.status.flavor))
    image = job.spec.image or (experiment.spec.workflow and experiment.spec.workflow.image)
    if not image:
        draft.wait(
            Reason.IMAGE_NOT_SET,
            "neither spec.image nor the experiment's spec.workflow.image names an image",
        )
        return False
    return _have_backing(
        draft,
        backing_job.manifest(
            job,
            experiment,
            flavors.in_flavor(queue, draft.status.flavor),
            image,
            snapshot.tracking_uri,
            flavor=draft.status.flavor,
        ),
    )


def _have_backing(draft: Draft, wanted: dict[str, Any]) -> bool:
    snapshot = draft.snapshot
    existing, rejection = snapshot.backing, snapshot.rejection
    if existing is None:
        if rejection is not None and rejection.final:
            draft.fail(rejection.reason, f"failed: {rejection.message}")
            return False
        draft.condition("Suspended", True, Reason.CREATED)
        if rejection is None or draft.due(rejection.at, RETRY_REJECTED_SECONDS):
            draft.do(CreateBacking(wanted))
        if rejection is not None:
            draft.wait(rejection.reason, rejection.message)
            return False
        return True
    if kueue.seized(existing):
        kueue.let_go_of(draft, existing)
        return False
    changed = existing.template_hash != backing_job.template_hash(wanted)
    if changed and not _was_released(snapshot) and not existing.deleting:
        # The queue or the experiment was changed while the job waited.
        draft.do(DeleteBacking(existing.uid, foreground=True))
    return True


def _queue(draft: Draft) -> None:
    """Lead a job whose dependencies are met through its queue."""
    snapshot = draft.snapshot
    if snapshot.job.spec.suspend:
        draft.queue(Reason.SUSPENDED, "spec.suspend is true")
        _hold_back(draft)
        return
    if snapshot.tracked and not _have_run(draft):
        return
    if draft.actions or snapshot.backing is None or snapshot.backing.deleting:
        draft.queue(Reason.PREPARING, "its batch/v1 Job is being created")
        return
    stray = next((pod for pod in snapshot.strays if not pod.over), None)
    if stray and not snapshot.backing.local_queue:
        # Someone deleted the batch/v1 Job that had it: two pods must never do the same work.
        draft.queue(Reason.STOPPING, f"its earlier pod {stray.name} has yet to end")
        return
    draft.wants_place = True
    place = snapshot.place
    if place is None or isinstance(place, NotYet):
        reason, message = (
            (place.reason, place.message) if place else (Reason.QUEUED, "asks for a place")
        )
        draft.queue(reason, message)
        if place:
            _hold_back(draft)
        return
    _release(draft, snapshot.backing)


def _hold_back(draft: Draft) -> None:
    """See that a job that may not run now is not left in Kueue's hands."""
    backing = draft.snapshot.backing
    if backing and backing.local_queue:
        kueue.take_back(draft, backing, draft.status.reason or "")


def _release(draft: Draft, backing: BackingJob) -> None:
    snapshot = draft.snapshot
    local_queue = snapshot.queue.spec.kueue_local_queue if snapshot.queue else None
    if backing.local_queue:
        kueue.pend(draft, backing, local_queue)
        return
    if local_queue:
        draft.queue(kueue.PENDING, f"is being handed over to Kueue, LocalQueue {local_queue}")
    else:
        draft.queue(Reason.RELEASED, "its pod is being created")
        draft.condition("Suspended", False, Reason.RELEASED)
    patch = backing_job.release_patch(
        backing, draft.status, snapshot.tracking_experiment_id, local_queue
    )
    draft.do(Release(patch))


def _have_run(draft: Draft) -> bool:
    """See that the job's MLflow run is there and in its status."""
    snapshot = draft.snapshot
    if draft.status.mlflow_run_id:
        return True
    experiment = snapshot.experiment
    if not snapshot.tracking_experiment_id:
        conditions = experiment.status.conditions if experiment else ()
        trouble = next(
            (c.message for c in conditions if c.reason == Reason.TRACKING_UNAVAILABLE), None
        )
        if trouble:
            draft.queue(Reason.TRACKING_UNAVAILABLE, trouble)
        else:
            draft.queue(Reason.PREPARING, "the experiment is being registered in MLflow")
        return False
    if snapshot.run.trouble:
        draft.queue(Reason.TRACKING_UNAVAILABLE, snapshot.run.trouble)
    else:
        draft.queue(Reason.PREPARING, "its MLflow run is being created")
    mlflow_run.create(draft)
    return False
