"""What an experiment's status says: registered or not, and how its jobs stand."""

from collections.abc import Mapping
from datetime import datetime

from alidade.api.experiment import Experiment, ExperimentStatus, JobCounts, Tracking
from alidade.api.job import ENDS, Job, JobState
from alidade.api.reason import Reason
from alidade.domain.conditions import set_condition
from alidade.domain.snapshot import TrackingView


def experiment_status(
    experiment: Experiment,
    states: Mapping[JobState, int],
    first_failed: Job | None,
    *,
    registered: str | None,
    view: TrackingView,
    now: datetime,
) -> ExperimentStatus:
    """Return the status of an experiment.

    Args:
        experiment: The experiment as last read.
        states: How many of its jobs are in each state.
        first_failed: The job of it that failed before all others, None where none did.
        registered: ID of its MLflow experiment, None while there is none.
        view: What is known of MLflow.
        now: The time.
    """
    tracked = experiment.spec.tracking is Tracking.MLFLOW
    if not tracked:
        ready, reason, message = True, Reason.NOT_TRACKED, "its jobs have no MLflow runs"
    elif registered is not None:
        ready, reason, message = True, Reason.REGISTERED, f"MLflow experiment {registered}"
    elif view.trouble:
        ready, reason, message = False, Reason.TRACKING_UNAVAILABLE, view.trouble
    else:
        ready, reason, message = False, Reason.REGISTERING, "is being registered in MLflow"
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
    return ExperimentStatus(
        mlflow_experiment_id=registered if tracked else None,
        jobs=JobCounts(**{state.lower(): max(count, 0) for state, count in states.items()}),
        conditions=conditions,
        observed_generation=experiment.metadata.generation,
    )
