"""Snapshots that a plan is asked for, and what is read off a plan."""

from datetime import datetime
from typing import Any

from alidade_core.api.base import Condition
from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState, JobStatus
from alidade_operator.decide.admitted import NotYet
from alidade_operator.decide.answers import TrackingView
from alidade_operator.decide.plan import Plan
from alidade_operator.decide.snapshot import Snapshot
from alidade_operator.objects.views import BatchJob
from tests.support.builders import (
    NOW,
    batch_job,
    job,
    snapshot,
    stamp,
    wanted,
)

S = JobState
RUN = TrackingView(tracking_id="r1")
FULL = NotYet("QueueFull", "position 1 of 1 in queue cpu (1 of 1 running)")
DELETED = {"deletionTimestamp": stamp(NOW)}


def fitting(of: Job, **fields: Any) -> BatchJob:
    """The batch/v1 Job that the job's queue and experiment ask for."""
    return batch_job(of.metadata.name, template_hash=wanted(of).template_hash, **fields)


def accepted(of: Job | None = None, **fields: Any) -> Snapshot:
    """A job whose batch/v1 Job stands there suspended."""
    of = of or job()
    return snapshot(of, **{"batch_job": fitting(of), **fields})


def ready(of: Job | None = None, **fields: Any) -> Snapshot:
    """A job that has all it needs but a place."""
    return accepted(of, **{"run": RUN, **fields})


def suspended(reason: str, status: str = "True") -> Condition:
    return Condition(type="Suspended", status=status, reason=reason, last_transition_time=NOW)


def blocked(reason: str, since: datetime) -> Condition:
    """What is known of a job whose pod something keeps from running."""
    return Condition(type="PodBlocked", status="True", reason=reason, last_transition_time=since)


RELEASED = JobStatus(state=S.QUEUED, conditions=(suspended("Released", "False"),))


def acts(decided: Plan) -> list[type]:
    return [type(action) for action in decided.actions]


def where(decided: Plan) -> tuple[JobState | None, str | None]:
    return decided.status.state, decided.status.reason


# Acceptance.
