"""Why a job is as it is."""

from typing import Any

from alidade.jobs.why import Cause, why
from alidade_core.api.base import Condition
from alidade_core.api.job import Job
from alidade_core.api.job_status import DependencyStatus, JobState, RootCause
from alidade_core.api.reason import Reason
from tests.support.builders import NOW, experiment, job, job_in, queue


def names(chain: list[Cause]) -> list[str]:
    return [cause.name for cause in chain]


def failed(name: str, **fields: Any) -> Job:
    cause = RootCause(
        job=name,
        reason=Reason.ERROR,
        message="ValueError: eps",
        exit_code=1,
        last_lines="Traceback\nValueError: eps",
    )
    said = {"reason": Reason.ERROR, "message": "ValueError: eps", "root_cause": cause}
    return job_in(JobState.FAILED, name, **{**said, **fields})


def skipped(name: str, after: str, root: Job) -> Job:
    return Job.model_validate(
        {
            **job(name, depends_on=[after]).model_dump(by_alias=True),
            "status": {
                "state": "Skipped",
                "reason": "DependencyUnsatisfied",
                "message": f"'{after}' will not be Complete",
                "rootCause": root.status.root_cause and root.status.root_cause.dump(),
                "dependencies": [{"name": after, "state": "Failed"}],
            },
        }
    )


def waiting(name: str, after: str, reason: Reason = Reason.DEPENDENCY_PENDING) -> Job:
    found = job(name, depends_on=[after])
    status = found.status.model_copy(
        update={"state": JobState.WAITING, "reason": reason, "message": f"waits for '{after}'"}
    )
    return found.model_copy(update={"status": status})


def test_a_job_that_failed_is_its_own_root() -> None:
    (cause,) = why(failed("train"), [])
    assert cause.reason == "Error"
    assert cause.message == "ValueError: eps"
    assert cause.exit_code == 1
    assert cause.last_lines == "Traceback\nValueError: eps"
    assert cause.advice == Reason.ERROR.meaning


def test_a_job_that_was_skipped_leads_to_what_failed_first() -> None:
    root = failed("train")
    middle, last = skipped("attack", "train", root), skipped("infer", "attack", root)
    chain = why(last, [root, middle, last])
    assert names(chain) == ["job infer", "job attack", "job train"]
    assert chain[-1].exit_code == 1
    assert chain[0].advice is None


def test_the_root_is_told_where_it_is_not_there_any_more() -> None:
    last = skipped("infer", "attack", failed("train"))
    chain = why(last, [last])
    assert names(chain) == ["job infer", "job attack", "job train"]
    assert chain[-1].message == "ValueError: eps"
    assert chain[-1].also == ("it is not there any more",)


def test_of_several_dependencies_the_one_that_failed_is_followed() -> None:
    root = failed("train")
    asked = job(
        "infer",
        depends_on=["other", "train"],
        status={
            "state": "Skipped",
            "reason": "DependencyUnsatisfied",
            "rootCause": root.status.root_cause and root.status.root_cause.dump(),
            "dependencies": [
                DependencyStatus(name="other", state=JobState.STARTED).dump(),
                DependencyStatus(name="train", state=JobState.FAILED).dump(),
            ],
        },
    )
    assert names(why(asked, [root, job("other")])) == ["job infer", "job train"]


def test_a_job_that_waits_leads_to_what_is_in_the_way() -> None:
    blocked = Condition(
        type="PodBlocked",
        status="True",
        reason="Unschedulable",
        message="0/3 nodes are available",
        last_transition_time=NOW,
    )
    root = job_in(JobState.QUEUED, "train", reason=Reason.POD_PENDING, conditions=(blocked,))
    chain = why(waiting("infer", "train"), [root])
    assert names(chain) == ["job infer", "job train"]
    assert chain[-1].also == ("Unschedulable: 0/3 nodes are available",)


def test_a_dependency_that_is_not_there_is_the_root() -> None:
    chain = why(waiting("infer", "train", Reason.DEPENDENCY_NOT_FOUND), [])
    assert names(chain) == ["job infer", "job train"]
    assert chain[-1].reason == "NotFound"


def test_a_circle_is_told_once_around() -> None:
    jobs = [waiting("a", "b", Reason.DEPENDENCY_CYCLE), waiting("b", "a", Reason.DEPENDENCY_CYCLE)]
    assert names(why(jobs[0], jobs)) == ["job a", "job b"]


def test_a_full_queue_leads_to_who_has_its_places_and_cannot_run() -> None:
    def condition(kind: str, status: str, message: str = "") -> Condition:
        said = {"type": kind, "status": status, "reason": "Unschedulable", "message": message}
        return Condition.model_validate({**said, "lastTransitionTime": NOW})

    holds = (condition("Suspended", "False"),)
    stuck = (*holds, condition("PodBlocked", "True", "0/3 nodes are available"))
    jobs = [
        job_in(JobState.QUEUED, "stuck", queue="cpu", conditions=stuck),
        job_in(JobState.STARTED, "runs", queue="cpu", conditions=holds),
        job_in(JobState.STARTED, "elsewhere", queue="gpu", conditions=holds),
        job_in(JobState.QUEUED, "behind", queue="cpu", reason=Reason.QUEUE_FULL),
    ]
    asked = job_in(JobState.QUEUED, "asked", queue="cpu", reason=Reason.QUEUE_FULL)
    chain = why(asked, jobs)
    assert names(chain) == ["job asked", "queue cpu", "job stuck"]
    assert chain[1].message == "its places have 'stuck', 'runs'"
    assert chain[2].also == ("Unschedulable: 0/3 nodes are available",)


def test_what_no_operator_has_seen_is_said_so() -> None:
    (cause,) = why(job("train"), [])
    assert (cause.state, cause.message) == (None, "no operator has seen it yet")


def test_an_experiment_and_a_queue_that_are_unwell_are_told_of_a_job_that_has_yet_to_end() -> None:
    bench = experiment(
        status={"conditions": [_untrue("Ready", "TrackingUnavailable", "MLflow is away")]}
    )
    cpu = queue().model_copy(
        update={
            "status": queue().status.model_copy(
                update={
                    "conditions": (
                        Condition.model_validate(
                            _untrue("Valid", "QueueInvalid", "no such toleration")
                        ),
                    )
                }
            )
        }
    )
    asked = job_in(JobState.WAITING, "train", reason=Reason.PREPARING, queue="cpu")
    assert names(why(asked, [], bench, cpu)) == ["job train", "experiment mnist", "queue cpu"]
    assert names(why(failed("train"), [], bench, cpu)) == ["job train"]


def _untrue(kind: str, reason: str, message: str) -> dict[str, str]:
    return {
        "type": kind,
        "status": "False",
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-03-01T12:00:00Z",
    }
