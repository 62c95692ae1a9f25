"""Where a job stands, told in one place.

A status says it several times: in words for people, in times, and in conditions for `kubectl wait`.
All of these follow here from one step that the job takes, so that no two of them can disagree.
"""

from datetime import datetime
from typing import Any, NamedTuple

from alidade_core.api.job_condition import JobCondition
from alidade_core.api.job_status import DependencyStatus, JobState, JobStatus, RootCause
from alidade_core.api.reason import Reason
from alidade_operator.decide.conditions import set_condition


class Moment(NamedTuple):
    """When a job takes a step, and which version of its spec that is for."""

    now: datetime
    generation: int


class Why(NamedTuple):
    """Why a job is where it is: in a word, and in a sentence."""

    reason: str
    message: str = ""


def with_condition(
    status: JobStatus,
    at: Moment,
    kind: JobCondition,
    holds: bool,
    why: Why,
) -> JobStatus:
    """Return the status with one condition set."""
    conditions = set_condition(
        status.conditions,
        kind,
        holds,
        *why,
        now=at.now,
        generation=at.generation,
    )
    return _with(status, conditions=conditions)


def held(status: JobStatus, at: Moment, state: JobState, why: Why) -> JobStatus:
    """Return the status of a job whose pods may not run.

    Args:
        status: What it was.
        at: When that is.
        state: Waiting, as it may not run yet, or Queued, as it may run but has to stand in line.
        why: Why it is held back.
    """
    status = _with(status, state=state, reason=why.reason, message=why.message)
    status = with_condition(status, at, JobCondition.SUSPENDED, True, Why(why.reason))
    return unblocked(status, at)


def released(status: JobStatus, at: Moment, why: Why) -> JobStatus:
    """Return the status of a job whose batch/v1 Job runs: it is Started once a pod of it has run.

    Args:
        status: What it was.
        at: When that is.
        why: What its pods do, or what keeps them from it.
    """
    state = JobState.QUEUED if status.start_time is None else JobState.STARTED
    status = _with(status, state=state, reason=why.reason, message=why.message)
    return with_condition(status, at, JobCondition.SUSPENDED, False, Why(Reason.RELEASED))


def started(status: JobStatus, at: Moment, since: datetime) -> JobStatus:
    """Return the status of a job of which a pod runs, or ran, for the first time since then."""
    status = _with(status, start_time=since)
    return with_condition(status, at, JobCondition.STARTED, True, Why(Reason.POD_STARTED))


def ended(
    status: JobStatus, at: Moment, state: JobState, why: Why, cause: RootCause | None
) -> JobStatus:
    """Return the status of a job that ends, whatever comes.

    Args:
        status: What it was.
        at: When that is.
        state: How it ends.
        why: Why.
        cause: What failed first.
    """
    status = _with(
        status,
        state=state,
        reason=why.reason,
        message=why.message,
        root_cause=cause,
        completion_time=at.now.replace(microsecond=0),
    )
    for kind, holds in (
        (JobCondition.COMPLETE, state is JobState.FINISHED),
        (JobCondition.FAILED, state is JobState.FAILED),
    ):
        status = with_condition(status, at, kind, holds, why)
    return unblocked(status, at)


def judged(
    status: JobStatus, at: Moment, dependencies: tuple[DependencyStatus, ...], why: Why | None
) -> JobStatus:
    """Return the status of a job with what is known of its dependencies.

    Args:
        status: What it was.
        at: When that is.
        dependencies: What is known of each.
        why: Why they do not let it run, None where they do.
    """
    told = why or Why(Reason.DEPENDENCIES_MET)
    status = _with(status, dependencies=dependencies)
    return with_condition(status, at, JobCondition.DEPENDENCIES_MET, why is None, told)


def unblocked(status: JobStatus, at: Moment) -> JobStatus:
    """Return the status of a job whose pods nothing keeps from running any more."""
    if not status.is_true(JobCondition.POD_BLOCKED):
        return status
    return with_condition(status, at, JobCondition.POD_BLOCKED, False, Why(Reason.RESOLVED))


def _with(status: JobStatus, **fields: Any) -> JobStatus:
    return status.model_copy(update=fields)
