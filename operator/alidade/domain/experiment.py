"""What an experiment's status says: registered or not, and how its jobs stand."""

from collections.abc import Mapping
from datetime import datetime

from alidade.api.experiment import Experiment, ExperimentStatus, JobCounts
from alidade.api.job import ENDS, Job, JobState
from alidade.api.reason import Reason
from alidade.domain.conditions import set_condition
from alidade.domain.registration import readiness, registered_as
from alidade.domain.snapshot import TrackingView


def experiment_status(
    experiment: Experiment,
    states: Mapping[JobState, int],
    first_failed: Job | None,
    *,
    installation: str,
    view: TrackingView,
    now: datetime,
) -> ExperimentStatus:
    """Return the status of an experiment.

    Args:
        experiment: The experiment as last read.
        states: How many of its jobs are in each state.
        first_failed: The job of it that failed before all others, None where none did.
        installation: UID that the operator's installation is known by.
        view: What is known of MLflow.
        now: The time.
    """
    ready, reason, message = readiness(
        experiment, installation, view.registered, view.trouble, away=view.away
    )
    total = sum(states.values())
    ended = sum(count for state, count in states.items() if state in ENDS)
    well = states.get(JobState.FINISHED, 0)
    over = total > 0 and ended == total
    summary = f"{ended} of {total} jobs have ended, {well} of them well"
    if first_failed is not None:
        summary = f"{summary}; {first_failed.metadata.name} {first_failed.status.message}"
    how = Reason.JOBS_FINISHED if well == total else Reason.JOBS_FAILED
    how = how if over else Reason.JOBS_OPEN
    conditions = experiment.status.conditions
    for kind, status, why, text in (
        ("Ready", ready, reason, message),
        ("Complete", over and well == total, how, summary),
        ("Failed", over and well < total, how, summary),
    ):
        conditions = set_condition(
            conditions,
            kind,
            status,
            why,
            text,
            now=now,
            generation=experiment.metadata.generation,
        )
    experiment_id, name = registered_as(experiment, view.registered)
    return ExperimentStatus(
        mlflow_experiment_id=experiment_id,
        mlflow_experiment=name,
        jobs=JobCounts(**{state.lower(): max(count, 0) for state, count in states.items()}),
        conditions=conditions,
        observed_generation=experiment.metadata.generation,
    )
