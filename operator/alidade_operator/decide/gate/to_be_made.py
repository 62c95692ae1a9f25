"""What a job's batch/v1 Job is to be, and what is in the way of it."""

from collections.abc import Callable
from dataclasses import replace

from alidade_core.api.job_condition import JobCondition
from alidade_core.api.queue import Queue
from alidade_core.api.reason import Reason
from alidade_core.contract import SOURCE_COMMAND
from alidade_operator.decide import image
from alidade_operator.decide.actions import DeleteBatchJob
from alidade_operator.decide.admission import flavors, kueue
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.gate import blame, intake
from alidade_operator.decide.image import Image
from alidade_operator.decide.make import inputs, manifest
from alidade_operator.decide.make.inputs import Inputs
from alidade_operator.decide.make.manifest import Wanted
from alidade_operator.decide.make.pod_template import MAX_DEPTH, too_deep
from alidade_operator.decide.rejection import Rejection
from alidade_operator.objects import well_known
from alidade_operator.objects.views import BatchJob


def wanted_by(draft: Draft) -> Wanted | None:
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
    _excuse_for_its_queue(draft, wanted, lambda: made(blame.without_its_say(in_flavor)))
    return wanted


def is_fit(draft: Draft, wanted: Wanted) -> bool:
    """Whether there is nothing wrong with the batch/v1 Job that there is, or is to be."""
    snapshot = draft.snapshot
    existing, rejection = snapshot.batch_job, snapshot.rejection
    if rejection is not None and rejection.final:
        draft.fail(rejection.reason, f"failed: {rejection.message}")
        return False
    _tell_what_gave_way(draft, wanted)
    if existing is None:
        return True
    if kueue.taken_unasked(existing):
        kueue.let_go_of(draft, existing)
        return False
    if is_made_anew(existing, wanted) and not existing.deleting:
        draft.do(DeleteBatchJob(existing.uid, existing.resource_version, foreground=True))
    return True


def is_made_anew(existing: BatchJob | None, wanted: Wanted) -> bool:
    """Whether the batch/v1 Job goes: its queue or experiment was changed while the job waited."""
    if existing is None:
        return False
    return existing.deleting or existing.template_hash != wanted.template_hash


def _leads_out(draft: Draft, settled: Inputs) -> bool:
    """Whether the job failed as its path is not one inside its experiment's source."""
    if intake.leads_out(settled):
        draft.fail(
            Reason.WORKFLOW_NOT_FOUND,
            f"failed: spec.workflow.path is '{settled.workflow.path}', but must be inside the "
            f"source of experiment '{draft.snapshot.job.spec.experiment}': relative, and without "
            "'..'",
        )
    return draft.status.ended


def _is_out_of_reach(draft: Draft, settled: Inputs) -> bool:
    """Whether the job failed as MLflow has what it runs, and it has nothing to do with MLflow."""
    what = None if draft.snapshot.tracked else intake.what_is_in_mlflow(settled)
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
    return manifest.wanted(
        snapshot.job,
        settled,
        queue,
        chosen,
        snapshot.tracking_uri,
        flavor=draft.status.flavor,
        kept_back=snapshot.kept_back,
    )


def _excuse_for_its_queue(draft: Draft, wanted: Wanted, alone: Callable[[], Wanted]) -> None:
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
            f"{' and '.join(wanted.unused)} of podTemplate's container {well_known.WORKER} have no "
            f"effect: it is started as {SOURCE_COMMAND}, which fetches its source and datasets"
        )
    if told:
        reason = Reason.QUEUE_WINS if wanted.gave_way else Reason.CONTRACT_WINS
        draft.condition(JobCondition.POD_TEMPLATE_APPLIED, False, reason, "; ".join(told))
    elif draft.status.condition(JobCondition.POD_TEMPLATE_APPLIED):
        draft.condition(JobCondition.POD_TEMPLATE_APPLIED, True, Reason.APPLIED)
