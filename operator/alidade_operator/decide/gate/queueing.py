"""A job that may run: in line for a place of its queue, and from there to its release.

What may run at once is created running. What waits is created suspended, so that `kubectl get jobs`
lists it, as long as that takes no room from what could run: a quota may allow few batch/v1 Jobs.
"""

from alidade_core.api.reason import Reason
from alidade_operator.decide.actions import CreateBatchJob, Release
from alidade_operator.decide.admission import kueue, placement
from alidade_operator.decide.admission.quota import SHORT_SECONDS
from alidade_operator.decide.admitted import NotYet
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.gate.to_be_made import is_made_anew
from alidade_operator.decide.make import release, run
from alidade_operator.decide.make.manifest import Wanted
from alidade_operator.decide.make.service import service_for


def line_up(draft: Draft, wanted: Wanted) -> None:
    """Lead a job whose dependencies are met through its queue."""
    snapshot = draft.snapshot
    if snapshot.job.spec.suspend:
        draft.queue(Reason.SUSPENDED, "spec.suspend is true")
        _hold_back(draft)
        stand_by(draft, wanted)
        return
    if snapshot.tracked and not _have_run(draft):
        if draft.status.reason == Reason.TRACKING_UNAVAILABLE:
            stand_by(draft, wanted)
        return
    if is_made_anew(snapshot.batch_job, wanted):
        draft.queue(Reason.PREPARING, "its batch/v1 Job is being made anew")
        return
    if _has_a_pod_elsewhere(draft) or _is_still_refused(draft):
        return
    draft.wants_place = True
    place = snapshot.place
    if place is None:
        draft.queue(Reason.QUEUED, "asks for a place")
    elif isinstance(place, NotYet):
        draft.queue(*placement.why_not_yet(draft, place))
        _hold_back(draft)
        stand_by(draft, wanted)
    else:
        _release(draft, wanted)


def stand_by(draft: Draft, wanted: Wanted) -> None:
    """Have a job that waits stand there suspended, and say if it could not even be created."""
    snapshot, rejection = draft.snapshot, draft.snapshot.rejection
    if snapshot.batch_job is not None:
        return
    if snapshot.short_since and not draft.due(snapshot.short_since, SHORT_SECONDS):
        # It does not ask now, and whether it would be refused for something else is not known.
        return
    if rejection is not None and not rejection.short:
        # No waiting heals that, so it is told before the job's turn comes.
        draft.wait(rejection.reason, rejection.message)
        if not draft.due(rejection.at, rejection.pause):
            return
    draft.do(CreateBatchJob(wanted.manifest))


def _has_a_pod_elsewhere(draft: Draft) -> bool:
    """Whether a pod of a batch/v1 Job that someone deleted runs on: two must not do one's work."""
    snapshot = draft.snapshot
    if snapshot.batch_job and snapshot.batch_job.local_queue:
        return False
    left = snapshot.orphans if snapshot.batch_job else (*snapshot.orphans, *snapshot.pods)
    orphan = next((pod for pod in left if not pod.over), None)
    if orphan is not None:
        draft.queue(Reason.STOPPING, f"its earlier pod {orphan.name} has yet to end")
    return orphan is not None


def _is_still_refused(draft: Draft) -> bool:
    rejection = draft.snapshot.rejection
    if rejection is None or draft.due(rejection.at, rejection.pause):
        return False
    # It asks for no place meanwhile: another may have it.
    draft.wait(rejection.reason, rejection.message)
    return True


def _leaves_the_room(draft: Draft) -> bool:
    """Whether a job that is for Kueue stands by for one that was refused, and can run at once."""
    first = draft.snapshot.next_refused
    if first is None or first.through_kueue or draft.due(first.at, SHORT_SECONDS):
        return False
    draft.wait(
        Reason.BACKING_JOB_REJECTED,
        "a quota takes no more batch/v1 Jobs in this namespace, and the next is that of job "
        f"{first.job.metadata.name}, which can run at once; then it is handed over to Kueue",
    )
    return True


def _hold_back(draft: Draft) -> None:
    """See that a job that may not run now is not left in Kueue's hands."""
    batch_job = draft.snapshot.batch_job
    if batch_job and batch_job.local_queue:
        kueue.take_back(draft, batch_job)


def _release(draft: Draft, wanted: Wanted) -> None:
    snapshot, batch_job = draft.snapshot, draft.snapshot.batch_job
    local_queue = snapshot.queue.spec.kueue_local_queue if snapshot.queue else None
    if batch_job and batch_job.local_queue:
        kueue.pend(draft, batch_job, local_queue)
        return
    if batch_job is None and local_queue and _leaves_the_room(draft):
        return
    if snapshot.rejection is not None:
        draft.wait(snapshot.rejection.reason, snapshot.rejection.message)
    elif local_queue:
        draft.queue(kueue.PENDING, f"is being handed over to Kueue, LocalQueue {local_queue}")
    else:
        # That it runs is told when it is seen to.
        draft.queue(Reason.PREPARING, "its pod is being created")
    told = (draft.status, snapshot.tracking_experiment_id, local_queue)
    service = service_for(snapshot.job, snapshot.kept_back)
    if batch_job is None:
        draft.do(CreateBatchJob(release.let_run(wanted.manifest, *told), True, service))
    else:
        draft.do(Release(release.release_patch(batch_job, *told), service))


def _have_run(draft: Draft) -> bool:
    """See that the job's MLflow run is there and in its status."""
    snapshot = draft.snapshot
    if draft.status.mlflow_run_id:
        return True
    experiment = snapshot.experiment
    conditions = experiment.status.conditions if experiment else ()
    trouble = next((c.message for c in conditions if c.reason == Reason.TRACKING_UNAVAILABLE), None)
    if trouble or not snapshot.tracking_experiment_id:
        if trouble:
            draft.queue(Reason.TRACKING_UNAVAILABLE, trouble)
        else:
            draft.queue(Reason.PREPARING, "the experiment is being registered in MLflow")
        return False
    if snapshot.run.trouble:
        draft.queue(Reason.TRACKING_UNAVAILABLE, snapshot.run.trouble)
    else:
        draft.queue(Reason.PREPARING, "its MLflow run is being created")
    run.create(draft)
    return False
