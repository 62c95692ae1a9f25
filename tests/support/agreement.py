"""What the parts of a job's status must not do: disagree."""

from alidade_core.api.base import MAX_MESSAGE, Condition
from alidade_core.api.job import Job
from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import JobState, JobStatus

_HAS_CAUSE = (JobState.FAILED, JobState.SKIPPED)
_HAS_RUN = (JobState.STARTED, JobState.FINISHED)


def disagreements(job: Job) -> list[str]:
    """Return what a job's status says that something else in it denies."""
    status = job.status
    rules = {
        "it has a state, and says why": (status.state is None) == (status.reason is None),
        "it has ended, and says when": status.ended == (status.completion_time is not None),
        "it does not end before it starts": status.start_time is None
        or status.completion_time is None
        or status.start_time <= status.completion_time,
        "what failed first is told": (status.state in _HAS_CAUSE)
        == (status.root_cause is not None),
        "what failed here is why it ended": _is_the_cause(job),
        "it has run, and says since when": status.is_true(JobCondition.STARTED)
        == (status.start_time is not None),
        "what runs, or has ended well, has run": status.state not in _HAS_RUN
        or status.start_time is not None,
        "every attempt counts": status.attempt_count >= len(status.attempts),
        "it has a run, and says whether that has ended": status.mlflow_run_id is None
        or status.condition(JobCondition.TRACKED) is not None,
        "only an end is told to MLflow": not status.is_true(JobCondition.TRACKED)
        or (status.ended and status.mlflow_run_id is not None),
        "logs are complete at the end": status.condition(JobCondition.LOGS_ARCHIVED) is None
        or status.ended,
        "dependencies": _dependencies_agree(status),
        "what holds it back": _holding_agrees(status),
        "what blocks its pods": not status.is_true(JobCondition.POD_BLOCKED)
        or _is_released(status),
        "Complete": _end_agrees(status, JobCondition.COMPLETE, JobState.FINISHED),
        "Failed": _end_agrees(status, JobCondition.FAILED, JobState.FAILED),
    }
    return [rule for rule, holds in rules.items() if not holds]


def _is_the_cause(job: Job) -> bool:
    cause, status = job.status.root_cause, job.status
    if cause is None or cause.job != job.metadata.name:
        return True
    return (cause.reason, cause.message) == (status.reason, status.message)


def _dependencies_agree(status: JobStatus) -> bool:
    told = status.condition(JobCondition.DEPENDENCIES_MET)
    met = all(entry.met for entry in status.dependencies)
    waits = (status.reason or "").startswith("Dependency")
    if told is None:
        return not waits and not status.dependencies
    if waits and told.reason != status.reason:
        return False
    return told.status == str(met)


def _holding_agrees(status: JobStatus) -> bool:
    told = status.condition(JobCondition.SUSPENDED)
    if told is None:
        return status.state is None or status.ended
    if told.status == "False":
        return told.reason == "Released" and status.state is not JobState.WAITING
    held = status.state in (JobState.WAITING, JobState.QUEUED) and told.reason == status.reason
    return held or (status.ended and status.state is not JobState.FINISHED)


def _is_released(status: JobStatus) -> bool:
    held = status.is_true(JobCondition.SUSPENDED)
    return not held and status.state in (JobState.QUEUED, JobState.STARTED)


def _end_agrees(status: JobStatus, kind: JobCondition, state: JobState) -> bool:
    told = status.condition(kind)
    if told is None or not status.ended:
        return told is None and not status.ended
    return (told.status == str(status.state is state)) and _says_the_same(told, status)


def _says_the_same(told: Condition, status: JobStatus) -> bool:
    message = (status.message or "")[:MAX_MESSAGE]
    return (told.reason, told.message) == (status.reason, message)
