"""A job's MLflow run: asked for before its pods run, and ended as the job ends."""

from collections.abc import Mapping
from typing import NamedTuple

from alidade_core.api.base import Metadata
from alidade_core.api.job import Job, JobSpec
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import Attempt, JobState, JobStatus
from alidade_core.api.reason import Reason
from alidade_operator.domain import inputs
from alidade_operator.domain.actions import CreateRun, EndRun, ReadPods, RunEnd
from alidade_operator.domain.draft import Draft
from alidade_operator.domain.history import FIRST
from alidade_operator.domain.observed import SUBMITTED_BY

RUN_ENDS = {
    JobState.FINISHED: RunEnd.FINISHED,
    JobState.FAILED: RunEnd.FAILED,
    JobState.SKIPPED: RunEnd.KILLED,
    JobState.CANCELLED: RunEnd.KILLED,
}
UID_TAG = "alidade.dev/uid"
INSTALLATION_TAG = "alidade.dev/installation"
NAMESPACE_TAG = "alidade.dev/namespace"
JOB_TAG = "alidade.dev/job"
EXPERIMENT_TAG = "alidade.dev/experiment"
MLFLOW_USER = "mlflow.user"
MAX_TAG = 5000
"""How many characters of a tag's value MLflow keeps, whatever its version and its store."""


class Owner(NamedTuple):
    """Whose a run is, as its tags say."""

    installation: str
    namespace: str
    job: str
    uid: str
    experiment: str


def owner_of(tags: Mapping[str, str]) -> Owner | None:
    """Return whose a run's tags say that it is, None where they do not."""
    uid, job = tags.get(UID_TAG), tags.get(JOB_TAG)
    namespace, experiment = tags.get(NAMESPACE_TAG), tags.get(EXPERIMENT_TAG)
    if not (uid and job and namespace and experiment):
        return None
    # An operator that is installed nowhere has no installation, and MLflow keeps no empty tag.
    return Owner(tags.get(INSTALLATION_TAG, ""), namespace, job, uid, experiment)


def note(draft: Draft) -> None:
    """Write down which run the job has, once that is known, whatever its status names.

    That is the one that MLflow was seen to have for it, or else the one that its pods were told of.
    """
    backing, retries = draft.snapshot.backing, draft.status.retries
    told = backing.run_id if backing and not backing.suspended else None
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
    draft.condition(
        JobCondition.TRACKED, False, Reason.RUN_REQUESTED, "its MLflow run has not ended"
    )
    draft.do(CreateRun(tracking_id, snapshot.job.metadata.name, _tags(draft)))


def _tell_that_it_is_open(draft: Draft) -> None:
    told = "its MLflow run has not ended"
    draft.condition(JobCondition.TRACKED, False, Reason.RUN_REQUESTED, told)


def settle(draft: Draft) -> None:
    """Make the run's end agree with the job's, once no pod can report to it any more."""
    snapshot, status = draft.snapshot, draft.status
    run, backing = snapshot.run, snapshot.backing
    if status.state is None or settled(draft):
        return
    stays = backing is not None and not backing.ended and not backing.deleting
    if stays or not all(pod.over for pod in snapshot.pods):
        return
    if not snapshot.pods_complete and not (backing and backing.ended):
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
