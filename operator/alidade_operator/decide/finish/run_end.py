"""The end of a job's MLflow run, which agrees with the job's."""

from alidade_core.api.base import Metadata
from alidade_core.api.job import Job, JobSpec
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import Attempt, JobState, JobStatus
from alidade_core.api.reason import Reason
from alidade_operator.decide.actions import EndRun, ReadPods, RunEnd
from alidade_operator.decide.draft import Draft
from alidade_operator.decide.make.run import create
from alidade_operator.decide.pods.history import FIRST
from alidade_operator.decide.run_owner import MAX_TAG, Owner

RUN_ENDS = {
    JobState.FINISHED: RunEnd.FINISHED,
    JobState.FAILED: RunEnd.FAILED,
    JobState.SKIPPED: RunEnd.KILLED,
    JobState.CANCELLED: RunEnd.KILLED,
}


def settle(draft: Draft) -> None:
    """Make the run's end agree with the job's, once no pod can report to it any more."""
    snapshot, status = draft.snapshot, draft.status
    run, batch_job = snapshot.run, snapshot.batch_job
    if status.state is None or settled(draft):
        return
    stays = batch_job is not None and not batch_job.ended and not batch_job.deleting
    if stays or not all(pod.over for pod in snapshot.pods):
        return
    if not snapshot.pods_complete and not (batch_job and batch_job.ended):
        # The last of its pods may have come up and not be known yet.
        draft.do(ReadPods())
        return
    if not status.mlflow_run_id:
        create(draft)
        return
    if run.gone:
        draft.condition(
            JobCondition.TRACKED,
            False,
            Reason.RUN_GONE,
            f"MLflow run {status.mlflow_run_id} is not there any more, or is another's: it was "
            "deleted, or the tracking server is another one, or has lost its database",
        )
        return
    if run.settled:
        how = RUN_ENDS[status.state]
        draft.condition(
            JobCondition.TRACKED, True, Reason.RUN_ENDED, f"the MLflow run ended as {how}"
        )
        return
    if run.trouble:
        draft.condition(JobCondition.TRACKED, False, Reason.TRACKING_UNAVAILABLE, run.trouble)
    if (action := end(status)) is not None:
        draft.do(action)


def end(status: JobStatus) -> EndRun | None:
    """Return what makes a run's end agree with that of its job, None where there is none yet."""
    if status.state not in RUN_ENDS or not status.mlflow_run_id:
        return None
    parameters = {parameter.name: parameter.value for parameter in status.parameters}
    return EndRun(status.mlflow_run_id, RUN_ENDS[status.state], _end_tags(status), parameters)


def settled(draft: Draft) -> bool:
    """Whether MLflow has nothing to be told of the job any more."""
    status = draft.status
    if status.condition(JobCondition.TRACKED) is None:
        return status.mlflow_run_id is None
    gone = status.mlflow_run_id is None and draft.snapshot.tracking_experiment_id is None
    return gone or status.tracked


def job_of_run(run_id: str, owner: Owner) -> Job:
    """Return what is left of a job that is gone: what is known of its run's owner."""
    return Job(
        metadata=Metadata(name=owner.job, namespace=owner.namespace, uid=owner.uid),
        spec=JobSpec(experiment=owner.experiment),
        status=JobStatus(mlflow_run_id=run_id),
    )


def _end_tags(status: JobStatus) -> dict[str, str]:
    cause = status.root_cause
    count = max(status.attempt_count, len(status.attempts))
    tags = {
        "state": status.state,
        "reason": status.reason,
        "message": status.message,
        "exit-code": cause.exit_code if cause else None,
        # What a tag has no room for is taken from the beginning: the end is the cause.
        "last-lines": cause.last_lines[-MAX_TAG:] if cause and cause.last_lines else None,
        "attempts": count or None,
        "image": status.attempts[-1].image_id if status.attempts else None,
    }
    if len(status.attempts) > 1:
        # What is there to tell of a single one, the other tags tell.
        left_out = count - len(status.attempts)
        for place, attempt in enumerate(status.attempts, 1):
            number = place if place <= FIRST else place + left_out
            tags[f"attempt-{number}"] = _told(attempt)
    return {f"alidade.dev/{name}": str(tag) for name, tag in tags.items() if tag is not None}


def _told(attempt: Attempt) -> str:
    image = f", image {attempt.image_id}" if attempt.image_id else ""
    return f"{attempt.pod} on {attempt.node}{image}: {attempt.message}"
