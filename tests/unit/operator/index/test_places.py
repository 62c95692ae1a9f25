from typing import Any

import pytest

from alidade_operator.decide.admitted import Admitted
from alidade_operator.kube.gateway import BATCH_JOBS, EXPERIMENTS, JOBS, PODS, QUEUES, Body
from alidade_operator.objects.well_known import (
    EXPERIMENT_LABEL,
    JOB_LABEL,
    JOB_UID_LABEL,
    QUEUE_LABEL,
)
from tests.support.builders import (
    DELETED,
    batch_job_body,
    complete,
    experiment_body,
    job_body,
    pod_body,
    queue_body,
    running,
)
from tests.support.caching import Scene, newer


def test_a_released_batch_job_holds_a_place_until_it_ends_or_is_gone(lab: Scene) -> None:
    lab.put(BATCH_JOBS, batch_job_body("a", suspend=False))
    assert (lab.running(), lab.running("gpu")) == (1, 0)
    lab.put(BATCH_JOBS, newer(batch_job_body("a", suspend=False, status=complete())))
    assert lab.running() == 0
    lab.put(BATCH_JOBS, batch_job_body("c", suspend=False, queue="gpu"))
    lab.drop(BATCH_JOBS, "c")
    assert lab.running("gpu") == 0


def test_a_batch_job_made_again_suspended_holds_no_place(lab: Scene) -> None:
    lab.put(BATCH_JOBS, batch_job_body("a", suspend=False))
    lab.put(BATCH_JOBS, newer(batch_job_body("a"), uid="second"))
    assert lab.running() == 0


def test_a_batch_job_of_a_job_deleted_since_holds_its_place_until_it_is_gone(lab: Scene) -> None:
    lab.put(BATCH_JOBS, batch_job_body("a", suspend=False))
    lab.drop(JOBS, "a")
    assert lab.running() == 1
    lab.drop(BATCH_JOBS, "a")
    assert lab.running() == 0


def of_queue(name: str, job: str, queue: str = "cpu", **fields: Any) -> Body:
    labels = {
        JOB_LABEL: job,
        JOB_UID_LABEL: f"uid-{job}",
        QUEUE_LABEL: queue,
        EXPERIMENT_LABEL: "mnist",
    }
    meta = {"labels": labels, **fields.pop("meta", {})}
    return pod_body(name, job=job, meta=meta, **fields)


@pytest.mark.parametrize("how", ["ends", "is gone"])
def test_a_job_holds_its_place_until_its_last_pod_has_ended(lab: Scene, how: str) -> None:
    lab.put(JOBS, job_body("d"))
    lab.line_up("d")
    lab.put(BATCH_JOBS, batch_job_body("a", suspend=False))
    for name in ("a-1", "a-2"):
        lab.put(PODS, of_queue(name, "a", phase="Running", worker=running()))
    assert lab.running() == 1
    lab.put(PODS, newer(of_queue("a-1", "a", phase="Failed")))
    lab.drop(BATCH_JOBS, "a")
    stopping = of_queue("a-2", "a", phase="Running", worker=running(), meta=DELETED)
    assert lab.put(PODS, newer(stopping)) == {"a"}
    assert lab.running() == 1
    if how == "ends":
        woken = lab.put(PODS, newer(of_queue("a-2", "a", phase="Succeeded"), 3))
    else:
        woken = lab.drop(PODS, "a-2")
    assert woken == {"a", "d", "queue cpu"}
    assert lab.running() == 0


def test_a_pod_of_a_job_that_was_deleted_holds_its_place(lab: Scene) -> None:
    lab.put(BATCH_JOBS, batch_job_body("a", suspend=False))
    lab.put(PODS, of_queue("a-1", "a", phase="Running", worker=running()))
    lab.drop(JOBS, "a")
    lab.drop(BATCH_JOBS, "a")
    assert lab.running() == 1
    lab.drop(PODS, "a-1")
    assert lab.running() == 0


def test_a_pod_of_the_same_name_takes_the_place_of_the_one_before(lab: Scene) -> None:
    lab.put(PODS, of_queue("a-1", "a"))
    lab.put(PODS, newer(of_queue("a-1", "a", queue="gpu"), 5, uid="second"))
    assert (lab.running(), lab.running("gpu")) == (0, 1)


def test_news_of_a_pod_that_holds_its_place_already_wake_its_job_alone(lab: Scene) -> None:
    assert lab.put(PODS, of_queue("a-1", "a")) == {"a", "queue cpu"}
    assert lab.put(PODS, newer(of_queue("a-1", "a", worker=running()))) == {"a"}


# Who stands in line.


def test_a_place_that_is_vacated_calls_who_is_next(lab: Scene) -> None:
    lab.put(BATCH_JOBS, batch_job_body("a", suspend=False))
    lab.put(JOBS, job_body("d"), job_body("e"))
    lab.line_up("d", "e")
    over = newer(batch_job_body("a", suspend=False, status=complete()))
    assert lab.put(BATCH_JOBS, over) == {"a", "d", "queue cpu"}


@pytest.mark.parametrize("how", ["leaves", "is deleted", "moves to another queue"])
def test_who_was_called_and_does_not_come_lets_the_next_one_in(how: str, lab: Scene) -> None:
    lab.put(JOBS, job_body("d"))
    lab.line_up("a", "d")
    lab.woken()
    if how == "leaves":
        lab.put(JOBS)
        lab.cache.step_out("uid-a")
    elif how == "is deleted":
        lab.drop(JOBS, "a")
    else:
        lab.put(EXPERIMENTS, newer(experiment_body(queue="gpu")))
        lab.line_up("a")
        assert lab.line("gpu") == ("a",)
    assert lab.line() == ("d",)
    assert "d" in lab.woken()
    queue = lab.cache.queues["lab", "cpu"]
    assert lab.cache.ledger(("lab", "cpu")).place("uid-d", queue) == Admitted()


def test_a_job_deleted_after_its_experiment_leaves_no_gap_in_the_line(lab: Scene) -> None:
    lab.put(JOBS, job_body("d", queue="cpu"))
    lab.line_up("a", "d")
    lab.drop(EXPERIMENTS, "mnist")
    assert "d" in lab.drop(JOBS, "a")
    assert lab.line() == ("d",)


def test_a_place_that_is_kept_and_not_used_is_the_next_ones(lab: Scene) -> None:
    lab.put(JOBS, job_body("d"))
    lab.line_up("a", "d")
    lab.cache.reserve("uid-a")
    assert (lab.running(), lab.line()) == (1, ("d",))
    lab.put(JOBS)
    lab.cache.step_out("uid-a")
    assert lab.running() == 0
    assert "d" in lab.woken()


def test_a_place_that_is_kept_and_used_calls_nobody(lab: Scene) -> None:
    lab.put(JOBS, job_body("d"))
    lab.line_up("a", "d")
    lab.cache.reserve("uid-a")
    lab.put(BATCH_JOBS, batch_job_body("a", suspend=False))
    lab.put(JOBS)
    lab.cache.step_out("uid-a")
    assert lab.running() == 1
    assert lab.woken() == set()


def test_a_job_without_a_queue_stands_in_no_line(lab: Scene) -> None:
    lab.drop(EXPERIMENTS, "mnist")
    lab.line_up("a")
    assert lab.line() == ()


def test_the_queue_of_a_job_is_its_own_or_its_experiments(lab: Scene) -> None:
    jobs = lab.cache.jobs
    assert lab.cache.queue_of(jobs["lab", "a"]) == ("lab", "cpu")
    assert lab.cache.queue_of(jobs["lab", "c"]) == ("lab", "gpu")
    lab.drop(EXPERIMENTS, "mnist")
    assert lab.cache.queue_of(jobs["lab", "a"]) is None
    assert lab.cache.queue_of(jobs["lab", "c"]) == ("lab", "gpu")


@pytest.mark.parametrize(
    ("batch_job", "queue"),
    [
        (batch_job_body("a", suspend=False), "cpu"),
        (batch_job_body("a"), "gpu"),
        (batch_job_body("a", suspend=False, status=complete()), "gpu"),
        (batch_job_body("a", suspend=False, owner="uid-other"), "gpu"),
    ],
    ids=["it runs", "it waits", "it has ended", "another's runs"],
)
def test_a_job_that_runs_stays_with_its_queue_when_the_experiment_names_another(
    batch_job: Body, queue: str, lab: Scene
) -> None:
    lab.put(BATCH_JOBS, batch_job)
    lab.put(EXPERIMENTS, newer(experiment_body(queue="gpu")))
    assert lab.cache.queue_of(lab.cache.jobs["lab", "a"]) == ("lab", queue)
    assert ("a" in lab.put(QUEUES, newer(queue_body(stopPolicy="Hold")))) is (queue == "cpu")
