from collections.abc import Mapping
from typing import Any

import pytest

from alidade_core.api.experiment import ExperimentStatus
from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState, JobStatus
from alidade_operator.decide.answers import TrackingView
from alidade_operator.decide.sums.experiment import experiment_status
from alidade_operator.decide.sums.tally import Tally
from tests.support.builders import NOW, experiment, job

S = JobState


def status_of(
    states: Mapping[JobState, int] | None = None,
    *,
    tally: Tally | None = None,
    before: ExperimentStatus | None = None,
    registered: str | None = "7",
    trouble: str | None = None,
    away: bool = True,
    **spec: Any,
) -> ExperimentStatus:
    known = before.dump() if before else {}
    return experiment_status(
        experiment(registered=registered, status=known, **spec),
        tally or tally_of(states or {}),
        installation="uid-alidade",
        view=TrackingView(trouble=trouble, away=away),
        now=NOW,
    )


def one(state: JobState, name: str = "train", message: str = "failed: Error", uid: str = "") -> Job:
    status = JobStatus(state=state, message=message, completion_time=NOW if state.ended else None)
    return job(name, status=status, meta={"uid": uid or f"uid-{name}"})


def tally_of(states: Mapping[JobState, int]) -> Tally:
    found = Tally()
    for state, count in states.items():
        for number in range(count):
            found.put(one(state, f"{state}-{number}".lower()))
    return found


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


@pytest.mark.parametrize("other", [S.STARTED, S.SKIPPED])
def test_what_failed_first_is_told_as_soon_as_it_has(other: JobState) -> None:
    tally = tally_of({other: 1})
    tally.put(one(S.FAILED, "train", "failed: OOMKilled, exit code 137 (SIGKILL)"))
    status = status_of(tally=tally)
    for kind in ("Complete", "Failed"):
        assert message(status, kind).endswith(
            " of 2 jobs have ended, 0 of them well; "
            "train failed: OOMKilled, exit code 137 (SIGKILL)"
        )


def message(status: ExperimentStatus, kind: str = "Complete") -> str:
    condition = status.condition(kind)
    assert condition is not None
    return condition.message


def ends(status: ExperimentStatus) -> tuple[str, str]:
    return told(status)["Complete"][0], told(status)["Failed"][0]


@pytest.mark.parametrize("state", [S.FAILED, S.SKIPPED, S.CANCELLED])
def test_what_has_failed_stays_so_when_the_job_expires(state: JobState) -> None:
    tally = tally_of({S.FINISHED: 1})
    tally.put(one(state))
    before = status_of(tally=tally)
    tally.expire("uid-train")
    tally.drop(one(state))

    for after in (status_of(tally=tally, before=before), status_of(tally=tally)):
        assert ends(after) == ("False", "True")
        how = "failed: Error" if state is S.FAILED else f"was {state.lower()}"
        assert message(after) == (
            f"1 of 1 jobs have ended, 1 of them well; train (expired since) {how}"
        )


def test_what_has_failed_stays_so_when_somebody_deletes_the_job() -> None:
    tally = tally_of({S.FINISHED: 1, S.FAILED: 1})
    before = status_of(tally=tally)
    tally.drop(one(S.FAILED, "failed-0"))
    after = status_of(tally=tally, before=before)
    assert ends(after) == ("False", "True")
    assert "; failed-0 (deleted since) failed: Error" in message(after)


def test_a_job_made_again_that_ends_well_makes_good_for_one_that_failed() -> None:
    tally = tally_of({S.FAILED: 1})
    before = status_of(tally=tally)
    tally.drop(one(S.FAILED, "failed-0"))
    tally.put(one(S.WAITING, "failed-0", uid="second"))
    assert ends(status_of(tally=tally, before=before)) == ("False", "False")
    tally.put(one(S.FINISHED, "failed-0", uid="second"))
    assert ends(status_of(tally=tally, before=before)) == ("True", "False")


@pytest.mark.parametrize("state", [S.WAITING, S.STARTED, S.SKIPPED, S.CANCELLED])
def test_what_was_deleted_on_purpose_is_told(state: JobState) -> None:
    tally = tally_of({S.FINISHED: 2, state: 7})
    for number in range(7):
        tally.drop(one(state, f"{state}-{number}".lower()))
    status = status_of(tally=tally)
    assert ends(status) == ("True", "False")
    names = ", ".join(f"'{state.lower()}-{n}'" for n in range(5))
    assert message(status) == (
        "2 of 2 jobs have ended, 2 of them well; "
        f"deleted before they had ended well: {names} and 2 more"
    )


def test_an_experiment_is_not_complete_before_as_many_jobs_as_it_says_have_ended_well() -> None:
    few = status_of({S.FINISHED: 2}, completions=3)
    assert told(few)["Complete"] == ("False", "JobsOpen")
    assert message(few) == "2 of 2 jobs have ended, 2 of them well; 3 have to end well"
    assert ends(status_of({S.FINISHED: 3}, completions=3)) == ("True", "False")
    assert ends(status_of({S.FINISHED: 3}, completions=2)) == ("True", "False")
    assert ends(status_of({S.FINISHED: 1, S.FAILED: 1}, completions=3)) == ("False", "True")


@pytest.mark.parametrize("completions", [None, 2])
def test_an_experiment_stays_complete_when_its_jobs_expire(completions: int | None) -> None:
    complete = status_of({S.FINISHED: 2}, completions=completions)
    for left in ({S.FINISHED: 1}, {}):
        assert ends(status_of(left, before=complete, completions=completions)) == ("True", "False")
    more = status_of({S.WAITING: 1}, before=complete, completions=completions)
    assert ends(more) == ("False", "False")


def test_jobs_are_counted_by_state() -> None:
    counts = status_of({S.FINISHED: 2, S.WAITING: 1}).jobs
    assert (counts.finished, counts.waiting, counts.failed, counts.skipped) == (2, 1, 0, 0)
