"""What an experiment's status says: registered or not, and how its jobs stand."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from alidade_core.api.experiment import (
    Departure,
    Experiment,
    ExperimentStatus,
    JobCounts,
    Setback,
)
from alidade_core.api.job_status import ENDS, JobState
from alidade_core.api.reason import Reason
from alidade_core.words import quoted_list
from alidade_operator.decide.answers import TrackingView
from alidade_operator.decide.conditions import read_again, set_condition
from alidade_operator.decide.sums.registration import readiness, registered_as
from alidade_operator.decide.sums.tally import Tally


def experiment_status(
    experiment: Experiment,
    tally: Tally,
    *,
    installation: str,
    view: TrackingView,
    now: datetime,
) -> ExperimentStatus:
    """Return the status of an experiment.

    Args:
        experiment: The experiment as last read.
        tally: How its jobs stand.
        installation: UID that the operator's installation is known by.
        view: What is known of MLflow.
        now: The time.
    """
    ready, reason, message = readiness(
        experiment, installation, view.registered, view.trouble, away=view.away
    )
    setbacks = tally.setbacks(experiment.status.setbacks)
    over, well, how, summary = _outcome(experiment, tally.states, setbacks)
    conditions = read_again(
        experiment.status.conditions, now=now, generation=experiment.metadata.generation
    )
    for kind, status, why, text in (
        ("Ready", ready, reason, message),
        ("Complete", over and well, how, summary),
        ("Failed", over and not well, how, summary),
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
        jobs=JobCounts(**{state.lower(): count for state, count in tally.states.items()}),
        setbacks=setbacks,
        conditions=conditions,
        observed_generation=experiment.metadata.generation,
    )


# Those beyond are in the status.
_NAMED = 5
_GONE = {
    Departure.EXPIRED: " (expired since)",
    Departure.DELETED: " (deleted since)",
    Departure.UNSEEN: " (gone since)",
}


def what_jobs_rest_on(experiment: Experiment) -> tuple[object, ...]:
    """Return all of an experiment that a decision about a job of it can rest on.

    Its counts of jobs change often and concern none.
    """
    ready = next((c for c in experiment.status.conditions if c.type == "Ready"), None)
    return (
        experiment.spec,
        experiment.status.mlflow_experiment_id,
        ready and (ready.status, ready.message),
    )


def _outcome(
    experiment: Experiment, states: Mapping[JobState, int], setbacks: Sequence[Setback]
) -> tuple[bool, bool, Reason, str]:
    """Say whether it is over, whether it went well, and both in a word and a sentence."""
    total = sum(states.values())
    ended = sum(count for state, count in states.items() if state in ENDS)
    finished = states.get(JobState.FINISHED, 0)
    wanted = experiment.spec.completions or 1
    counted = [setback for setback in setbacks if not _deleted_on_purpose(setback)]
    words = [f"{ended} of {total} jobs have ended, {finished} of them well"]
    if finished < wanted and experiment.spec.completions:
        words.append(f"{wanted} have to end well")
    if counted:
        words.append(_told(counted[0]))
    if deleted := [setback.name for setback in setbacks if _deleted_on_purpose(setback)]:
        more = f" and {len(deleted) - _NAMED} more" if len(deleted) > _NAMED else ""
        words.append(f"deleted before they had ended well: {quoted_list(deleted[:_NAMED])}{more}")
    summary = "; ".join(words)
    if ended < total:
        return False, False, Reason.JOBS_OPEN, summary
    if counted:
        return True, False, Reason.JOBS_FAILED, summary
    # Jobs that expire after a good end take nothing back.
    if finished < wanted and not experiment.status.is_true("Complete"):
        return False, False, Reason.JOBS_OPEN, summary
    return True, True, Reason.JOBS_FINISHED, summary


def _deleted_on_purpose(setback: Setback) -> bool:
    # What failed has failed, and stays so until it is done again under the same name.
    return setback.departure is Departure.DELETED and setback.state is not JobState.FAILED


def _told(setback: Setback) -> str:
    gone = _GONE[setback.departure] if setback.departure else ""
    if setback.state is JobState.FAILED:
        return f"{setback.name}{gone} {setback.message}"
    return f"{setback.name}{gone} was {setback.state.lower()}"
