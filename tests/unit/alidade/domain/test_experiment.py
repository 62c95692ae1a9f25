from collections.abc import Mapping
from typing import Any

import pytest

from alidade.api.experiment import ExperimentStatus
from alidade.api.job import Job, JobState, JobStatus
from alidade.domain.experiment import experiment_status
from alidade.domain.snapshot import TrackingView
from tests.support.builders import NOW, experiment, job

S = JobState


def status_of(
    states: Mapping[JobState, int] | None = None,
    *,
    first_failed: Job | None = None,
    registered: str | None = "7",
    trouble: str | None = None,
    away: bool = True,
    **spec: Any,
) -> ExperimentStatus:
    view = TrackingView(trouble=trouble, away=away)
    return experiment_status(
        experiment(registered=registered, **spec),
        states or {},
        first_failed,
        installation="uid-alidade",
        view=view,
        now=NOW,
    )


def told(status: ExperimentStatus) -> dict[str, tuple[str, str]]:
    return {c.type: (c.status, c.reason) for c in status.conditions}


@pytest.mark.parametrize(
    ("known", "ready"),
    [
        ({"registered": "7"}, ("True", "Registered")),
        ({"registered": None}, ("False", "Registering")),
        ({"registered": None, "trouble": "MLflow is away"}, ("False", "TrackingUnavailable")),
        ({"registered": "7", "trouble": "MLflow is away"}, ("True", "Registered")),
        (
            {"registered": "7", "trouble": "deleted", "away": False},
            ("False", "TrackingUnavailable"),
        ),
        ({"registered": None, "tracking": "None"}, ("True", "NotTracked")),
    ],
)
def test_an_experiment_is_ready_once_its_jobs_can_have_runs(
    known: dict[str, Any], ready: tuple[str, str]
) -> None:
    assert told(status_of(**known))["Ready"] == ready


def test_without_tracking_no_id_is_told() -> None:
    assert status_of(tracking="None").mlflow_experiment_id is None
    assert status_of().mlflow_experiment_id == "7"


@pytest.mark.parametrize(
    ("states", "complete", "failed"),
    [
        ({}, ("False", "JobsOpen"), ("False", "JobsOpen")),
        ({S.FINISHED: 2, S.STARTED: 1}, ("False", "JobsOpen"), ("False", "JobsOpen")),
        ({S.FAILED: 1, S.WAITING: 1}, ("False", "JobsOpen"), ("False", "JobsOpen")),
        ({S.FINISHED: 2}, ("True", "JobsFinished"), ("False", "JobsFinished")),
        ({S.FINISHED: 2, S.SKIPPED: 1}, ("False", "JobsFailed"), ("True", "JobsFailed")),
        ({S.CANCELLED: 1}, ("False", "JobsFailed"), ("True", "JobsFailed")),
    ],
)
def test_an_experiment_is_over_when_all_its_jobs_are(
    states: dict[JobState, int], complete: tuple[str, str], failed: tuple[str, str]
) -> None:
    conditions = told(status_of(states))
    assert (conditions["Complete"], conditions["Failed"]) == (complete, failed)


@pytest.mark.parametrize("states", [{S.FAILED: 1, S.STARTED: 1}, {S.FAILED: 1, S.SKIPPED: 1}])
def test_what_failed_first_is_told_as_soon_as_it_has(states: dict[JobState, int]) -> None:
    failed = JobStatus(state=S.FAILED, message="failed: OOMKilled, exit code 137 (SIGKILL)")
    conditions = status_of(states, first_failed=job("train", status=failed)).conditions
    for condition in conditions[1:]:
        assert condition.message.endswith(
            " of 2 jobs have ended, 0 of them well; "
            "train failed: OOMKilled, exit code 137 (SIGKILL)"
        )


def test_jobs_are_counted_by_state() -> None:
    counts = status_of({S.FINISHED: 2, S.WAITING: 1, S.FAILED: 0}).jobs
    assert (counts.finished, counts.waiting, counts.failed, counts.skipped) == (2, 1, 0, 0)
