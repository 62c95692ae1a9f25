"""A job that has not been released: from its dependencies, through its queue, to its release.

What may run at once is created running. What waits is created suspended, so that `kubectl get jobs`
lists it, as long as that takes no room from what could run: a quota may allow few batch/v1 Jobs.
"""

from collections.abc import Callable
from dataclasses import replace

from alidade_core.api.job import Job
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import DependencyStatus
from alidade_core.api.queue import Queue
from alidade_core.api.reason import Reason
from alidade_core.contract import SOURCE_COMMAND
from alidade_operator.domain import (
    accepted,
    blame,
    flavors,
    image,
    inputs,
    kueue,
    meeting,
    mlflow_run,
    observed,
    placement,
)
from alidade_operator.domain import backing as backing_job
from alidade_operator.domain.actions import CreateBacking, DeleteBacking, Release
from alidade_operator.domain.admission import NotYet
from alidade_operator.domain.backing import Wanted
from alidade_operator.domain.dependencies import Undecided, Unsatisfiable, Verdict, judge
from alidade_operator.domain.draft import Draft
from alidade_operator.domain.image import Image
from alidade_operator.domain.inputs import Inputs
from alidade_operator.domain.observed import BackingJob
from alidade_operator.domain.parameters import Resolution, resolve
from alidade_operator.domain.pod_template import MAX_DEPTH, too_deep
from alidade_operator.domain.room import SHORT_SECONDS
from alidade_operator.domain.snapshot import Rejection, Snapshot
from alidade_operator.domain.standing import Why


def prepare(draft: Draft) -> None:
    """Lead a job up to its release."""
    snapshot = draft.snapshot
    verdict = judge(snapshot.job, snapshot.others, snapshot.cycle)
    resolution = resolve(snapshot.job, _met(snapshot, verdict.entries))
    draft.judge(verdict.entries, _why_not(verdict))
    draft.set(
        parameters=resolution.values,
        queue=snapshot.queue.metadata.name if snapshot.queue else draft.status.queue,
    )
    if isinstance(verdict, Unsatisfiable):
        _end_for_dependency(draft, verdict)
        return
    if accepted.kept_back(draft):
        return
    wanted = _wanted(draft)
    if wanted is None or not _is_fit(draft, wanted):
        return
    if isinstance(verdict, Undecided):
        draft.wait(verdict.reason, verdict.message)
        _stand_by(draft, wanted)
        return
    if _has_no_value(draft, resolution):
        return
    if resolution.pending:
        draft.wait(Reason.PARAMETER_PENDING, resolution.pending)
        _stand_by(draft, wanted)
        return
    _queue(draft, wanted)


def stop_out_of_turn(draft: Draft, backing: BackingJob) -> None:
    """See that a batch/v1 Job that somebody let run goes: its pods are told nothing."""
    draft.wait(
        Reason.OUT_OF_TURN,
        "somebody let its batch/v1 Job run (spec.suspend: false) before its turn, without its "
        "parameters: that one is deleted and made anew; spec.suspend of the Job itself is yours",
    )
    if not backing.deleting:
        draft.do(DeleteBacking(backing.uid, backing.resource_version, foreground=True))


def _has_no_value(draft: Draft, resolution: Resolution) -> bool:
    """Whether the job failed as there will never be a value that it could take."""
    if resolution.impossible:
        draft.fail(Reason.PARAMETER_UNRESOLVED, f"failed: {resolution.impossible}")
    elif resolution.invalid:
        draft.fail(Reason.PARAMETER_INVALID, f"failed: {resolution.invalid}")
    return draft.status.ended


def _met(snapshot: Snapshot, entries: tuple[DependencyStatus, ...]) -> dict[str, Job]:
    # No value may be taken from a dependency that is not decided, nor from another of its name.
    met = {entry.name: entry.uid for entry in entries if entry.met}
    return {
        name: other
        for name, other in snapshot.others.items()
        if met.get(name) == other.metadata.uid
    }


def _why_not(verdict: Verdict) -> Why | None:
    match verdict:
        case Undecided():
            return Why(verdict.reason, verdict.message)
        case Unsatisfiable():
            return Why(Reason.DEPENDENCY_UNSATISFIED, verdict.message)
        case _:
            return None


def _end_for_dependency(draft: Draft, verdict: Unsatisfiable) -> None:
    draft.end(verdict.end, Reason.DEPENDENCY_UNSATISFIED, verdict.message, cause=verdict.root_cause)


def _wanted(draft: Draft) -> Wanted | None:
    """Return what the job's batch/v1 Job is to be; say what is in the way if that is not known."""
    snapshot = draft.snapshot
    job, experiment, queue = snapshot.job, snapshot.experiment, snapshot.queue
    if experiment is None:
        name = job.spec.experiment
        draft.wait(Reason.EXPERIMENT_NOT_FOUND, f"no experiment '{name}' in this namespace (yet)")
        return None
    if queue is None:
        named = job.spec.queue or experiment.spec.queue
        draft.wait(
            Reason.QUEUE_NOT_FOUND,
            f"no queue '{named}' in this namespace (yet)"
            if named
            else "neither spec.queue nor the experiment's spec.queue names a queue",
        )
        return None
    draft.set(flavor=flavors.current(queue, draft.status.flavor))
    chosen = image.choose(job, experiment, snapshot.default_image)
    if chosen is None:
        draft.wait(
            Reason.IMAGE_NOT_SET,
            "neither spec.image nor the experiment's spec.workflow.image names an image, and the "
            "operator has no default (the chart's images.worker)",
        )
        return None
    settled = inputs.settled(draft.status)
    if _leads_out(draft, settled) or _is_out_of_reach(draft, settled):
        return None
    for field, value in (
        ("podTemplate", job.spec.pod_template),
        ("podFailurePolicy", job.spec.pod_failure_policy),
    ):
        if too_deep(value):
            draft.fail(
                Reason.BACKING_JOB_INVALID,
                f"failed: spec.{field} is nested more than {MAX_DEPTH} levels deep",
            )
            return None
    in_flavor = flavors.in_flavor(queue, draft.status.flavor)

    def made(queue: Queue) -> Wanted:
        return _made(draft, settled, queue, chosen)

    wanted = made(in_flavor)
    _mind_whose_fault(draft, wanted, lambda: made(blame.without_its_say(in_flavor)))
    return wanted


def _leads_out(draft: Draft, settled: Inputs) -> bool:
    """Whether the job failed as its path is not one inside its experiment's source."""
    if inputs.leads_out(settled):
        draft.fail(
            Reason.WORKFLOW_NOT_FOUND,
            f"failed: spec.workflow.path is '{settled.workflow.path}', but must be inside the "
            f"source of experiment '{draft.snapshot.job.spec.experiment}': relative, and without "
            "'..'",
        )
    return draft.status.ended


def _is_out_of_reach(draft: Draft, settled: Inputs) -> bool:
    """Whether the job failed as MLflow has what it runs, and it has nothing to do with MLflow."""
    what = None if draft.snapshot.tracked else inputs.what_is_in_mlflow(settled)
    if what is not None:
        draft.fail(
            Reason.TRACKING_REQUIRED,
            f"failed: {what}, is among MLflow's artifacts, and experiment "
            f"'{draft.snapshot.job.spec.experiment}' has tracking: None; it must have "
            "tracking: MLflow, or the job its source and datasets from elsewhere",
        )
    return what is not None


def _made(draft: Draft, settled: Inputs, queue: Queue, chosen: Image) -> Wanted:
    snapshot = draft.snapshot
    return backing_job.wanted(
        snapshot.job,
        settled,
        queue,
        chosen,
        snapshot.tracking_uri,
        flavor=draft.status.flavor,
        kept_back=snapshot.kept_back,
    )


def _mind_whose_fault(draft: Draft, wanted: Wanted, alone: Callable[[], Wanted]) -> None:
    """See that a job is not failed for what is wrong with its queue, or was before it changed."""
    rejection = draft.snapshot.rejection
    if rejection is None or not rejection.final:
        return
    news: Rejection | None = rejection
    if rejection.of not in ("", wanted.template_hash):
        news = None
    elif blame.is_the_queues(rejection.fields, wanted.manifest, alone().manifest):
        message = f"queue {draft.status.queue} is wrong in itself: {rejection.message}"
        news = replace(rejection, reason=Reason.QUEUE_INVALID, message=message, final=False)
    draft.snapshot = replace(draft.snapshot, rejection=news)


def _is_fit(draft: Draft, wanted: Wanted) -> bool:
    """Whether there is nothing wrong with the batch/v1 Job that there is, or is to be."""
    snapshot = draft.snapshot
    existing, rejection = snapshot.backing, snapshot.rejection
    if rejection is not None and rejection.final:
        draft.fail(rejection.reason, f"failed: {rejection.message}")
        return False
    _tell_what_gave_way(draft, wanted)
    if existing is None:
        return True
    if kueue.seized(existing):
        kueue.let_go_of(draft, existing)
        return False
    changed = existing.template_hash != wanted.template_hash
    if changed and not existing.deleting:
        # The queue or the experiment was changed while the job waited.
        draft.do(DeleteBacking(existing.uid, existing.resource_version, foreground=True))
    return True


def _tell_what_gave_way(draft: Draft, wanted: Wanted) -> None:
    told = []
    if wanted.gave_way:
        fields = ", ".join(sorted(wanted.gave_way))
        told.append(
            f"the queue's values stand in place of podTemplate.spec's: {fields} "
            f"(queue {draft.status.queue}'s jobsMayOverride does not name them)"
        )
    if wanted.unused:
        told.append(
            f"{' and '.join(wanted.unused)} of podTemplate's container {observed.WORKER} have no "
            f"effect: it is started as {SOURCE_COMMAND}, which fetches its source and datasets"
        )
    if told:
        reason = Reason.QUEUE_WINS if wanted.gave_way else Reason.CONTRACT_WINS
        draft.condition(JobCondition.POD_TEMPLATE_APPLIED, False, reason, "; ".join(told))
    elif draft.status.condition(JobCondition.POD_TEMPLATE_APPLIED):
        draft.condition(JobCondition.POD_TEMPLATE_APPLIED, True, Reason.APPLIED)


def _stand_by(draft: Draft, wanted: Wanted) -> None:
    """Have a job that waits stand there suspended, and say if it could not even be created."""
    snapshot, rejection = draft.snapshot, draft.snapshot.rejection
    if snapshot.backing is not None:
        return
    if snapshot.short_since and not draft.due(snapshot.short_since, SHORT_SECONDS):
        # It does not ask now, and whether it would be refused for something else is not known.
        return
    if rejection is not None and not rejection.short:
        # No waiting heals that, so it is told before the job's turn comes.
        draft.wait(rejection.reason, rejection.message)
        if not draft.due(rejection.at, rejection.pause):
            return
    draft.do(CreateBacking(wanted.manifest))


def _queue(draft: Draft, wanted: Wanted) -> None:
    """Lead a job whose dependencies are met through its queue."""
    snapshot = draft.snapshot
    if snapshot.job.spec.suspend:
        draft.queue(Reason.SUSPENDED, "spec.suspend is true")
        _hold_back(draft)
        _stand_by(draft, wanted)
        return
    if snapshot.tracked and not _have_run(draft):
        if draft.status.reason == Reason.TRACKING_UNAVAILABLE:
            _stand_by(draft, wanted)
        return
    if draft.actions or (snapshot.backing and snapshot.backing.deleting):
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
        _stand_by(draft, wanted)
    else:
        _release(draft, wanted)


def _has_a_pod_elsewhere(draft: Draft) -> bool:
    """Whether a pod of a batch/v1 Job that someone deleted runs on: two must not do one's work."""
    snapshot = draft.snapshot
    if snapshot.backing and snapshot.backing.local_queue:
        return False
    left = snapshot.strays if snapshot.backing else (*snapshot.strays, *snapshot.pods)
    stray = next((pod for pod in left if not pod.over), None)
    if stray is not None:
        draft.queue(Reason.STOPPING, f"its earlier pod {stray.name} has yet to end")
    return stray is not None


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
    backing = draft.snapshot.backing
    if backing and backing.local_queue:
        kueue.take_back(draft, backing)


def _release(draft: Draft, wanted: Wanted) -> None:
    snapshot, backing = draft.snapshot, draft.snapshot.backing
    local_queue = snapshot.queue.spec.kueue_local_queue if snapshot.queue else None
    if backing and backing.local_queue:
        kueue.pend(draft, backing, local_queue)
        return
    if backing is None and local_queue and _leaves_the_room(draft):
        return
    if snapshot.rejection is not None:
        draft.wait(snapshot.rejection.reason, snapshot.rejection.message)
    elif local_queue:
        draft.queue(kueue.PENDING, f"is being handed over to Kueue, LocalQueue {local_queue}")
    else:
        # That it runs is told when it is seen to.
        draft.queue(Reason.PREPARING, "its pod is being created")
    told = (draft.status, snapshot.tracking_experiment_id, local_queue)
    service = meeting.meeting_place(snapshot.job, snapshot.kept_back)
    if backing is None:
        draft.do(CreateBacking(backing_job.let_run(wanted.manifest, *told), True, service))
    else:
        draft.do(Release(backing_job.release_patch(backing, *told), service))


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
    mlflow_run.create(draft)
    return False
