"""A job's MLflow run: asked for before its pods run, and known again by what they were told."""

from alidade_core.api.job import Job
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.reason import Reason
from alidade_operator.decide.actions import CreateRun
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.make import inputs
from alidade_operator.decide.run_owner import (
    EXPERIMENT_TAG,
    INSTALLATION_TAG,
    JOB_TAG,
    NAMESPACE_TAG,
    UID_TAG,
)
from alidade_operator.objects.well_known import SUBMITTED_BY

MLFLOW_USER = "mlflow.user"


def note(draft: Draft) -> None:
    """Write down which run the job has, once that is known, whatever its status names.

    That is the one that MLflow was seen to have for it, or else the one that its pods were told of.
    """
    batch_job, retries = draft.snapshot.batch_job, draft.status.retries
    told = batch_job.run_id if batch_job and not batch_job.suspended else None
    lost = retries.lost_runs if retries else ()
    run_id = draft.snapshot.run.tracking_id or (told if told not in lost else None)
    if not run_id:
        return
    draft.set(mlflow_run_id=run_id)
    if draft.status.condition(JobCondition.TRACKED) is None:
        _tell_that_it_is_open(draft)


def create(draft: Draft) -> None:
    """Ask for the job's run; its status remembers that, should the answer be lost."""
    snapshot = draft.snapshot
    tracking_id = snapshot.tracking_experiment_id
    if tracking_id is None:
        return
    _tell_that_it_is_open(draft)
    draft.do(CreateRun(tracking_id, snapshot.job.metadata.name, _tags(draft)))


def _tell_that_it_is_open(draft: Draft) -> None:
    told = "its MLflow run has not ended"
    draft.condition(JobCondition.TRACKED, False, Reason.RUN_REQUESTED, told)


def _tags(draft: Draft) -> dict[str, str]:
    snapshot, job = draft.snapshot, draft.snapshot.job
    return {
        UID_TAG: job.metadata.uid,
        INSTALLATION_TAG: snapshot.installation,
        JOB_TAG: job.metadata.name,
        NAMESPACE_TAG: job.metadata.namespace,
        EXPERIMENT_TAG: job.spec.experiment,
        "alidade.dev/entry-point": job.spec.entry_point,
        "alidade.dev/queue": snapshot.queue.metadata.name if snapshot.queue else "",
        "alidade.dev/depends-on": ",".join(d.name for d in job.spec.depends_on),
        **inputs.tags(draft.status),
        **_submitter(job),
    }


def _submitter(job: Job) -> dict[str, str]:
    """Say who submitted a job, in MLflow's own word too."""
    name = job.metadata.annotations.get(SUBMITTED_BY)
    return {SUBMITTED_BY: name, MLFLOW_USER: name} if name else {}
