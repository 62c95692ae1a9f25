from typing import Any

import pytest

from alidade.api.job_status import DependencyStatus, JobState, JobStatus
from alidade.domain.admission import Admitted
from alidade.domain.observed import EXPERIMENT_LABEL, JOB_LABEL, JOB_UID_LABEL, QUEUE_LABEL
from alidade.kube.gateway import BATCH_JOBS, EXPERIMENTS, JOBS, PODS, QUEUES, Body, Kind
from alidade.runtime.cache import Cache, WorkKey
from tests.support.builders import (
    DELETED,
    backing_body,
    complete,
    experiment_body,
    job_body,
    met,
    pod_body,
    queue_body,
    running,
)

S = JobState


class Scene:
    """A cache, and the keys it woke."""

    def __init__(self) -> None:
        self._woken: list[WorkKey] = []
        self.cache = Cache(self._woken.append)

    def put(self, kind: Kind, *bodies: Body) -> set[str]:
        """Take in bodies; return the names of what was woken, jobs by their bare names."""
        self._woken.clear()
        for body in bodies:
            self.cache.put(kind, body)
        return self.woken()

    def drop(self, kind: Kind, name: str, uid: str | None = None) -> set[str]:
        """Drop the object of this name, or of this UID; return as `put` does."""
        self._woken.clear()
        known = self.cache.uid(kind, ("lab", name))
        self.cache.drop(kind, "lab", name, uid or known or "")
        return self.woken()

    def woken(self) -> set[str]:
        assert all(key.namespace == "lab" for key in self._woken)
        return {key.name if key.kind == "job" else f"{key.kind} {key.name}" for key in self._woken}

    def states(self) -> dict[JobState, int]:
        return {s: n for s, n in self.cache.tally(("lab", "mnist")).states.items() if n}

    def running(self, queue: str = "cpu") -> int:
        return self.cache.ledger(("lab", queue)).running

    def line(self, queue: str = "cpu") -> tuple[str, ...]:
        return self.cache.ledger(("lab", queue)).in_line()

    def line_up(self, *names: str) -> None:
        for name in names:
            self.cache.line_up(self.cache.jobs["lab", name])


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def lab(scene: Scene) -> Scene:
    """An experiment, two queues, and three jobs of which the second waits for the first."""
    scene.put(EXPERIMENTS, experiment_body())
    scene.put(QUEUES, queue_body(maxRunning=1), queue_body("gpu"))
    scene.put(JOBS, job_body("a"), job_body("b", depends_on=["a"]), job_body("c", queue="gpu"))
    return scene


def newer(body: Body, version: int = 2, **meta: Any) -> Body:
    return {**body, "metadata": {**body["metadata"], "resourceVersion": str(version), **meta}}


def in_state(body: Body, state: JobState, version: int = 2, **status: Any) -> Body:
    return {**newer(body, version), "status": JobStatus(state=state, **status).dump()}


# Versions.

BODIES = [
    (JOBS, job_body("a")),
    (PODS, pod_body("a-1", job="a")),
    (BATCH_JOBS, backing_body("a")),
    (EXPERIMENTS, experiment_body("a")),
    (QUEUES, queue_body("a")),
]


@pytest.mark.parametrize(("kind", "body"), BODIES, ids=[kind.plural for kind, _ in BODIES])
def test_an_older_version_never_replaces_a_newer_one(kind: Kind, body: Body, scene: Scene) -> None:
    name = body["metadata"]["name"]
    scene.put(kind, newer(body, 9))
    assert scene.put(kind, newer(body, 9)) == set()
    assert scene.put(kind, newer(body, 8)) == set()
    assert list(scene.cache.known(kind)) == [(("lab", name), body["metadata"]["uid"], 9)]
    scene.put(kind, newer(body, 10))
    assert [version for _, _, version in scene.cache.known(kind)] == [10]


@pytest.mark.parametrize(("kind", "body"), BODIES, ids=[kind.plural for kind, _ in BODIES])
def test_what_is_gone_is_forgotten_but_only_if_it_is_the_one_meant(
    kind: Kind, body: Body, scene: Scene
) -> None:
    name = body["metadata"]["name"]
    scene.put(kind, newer(body, 9, uid="second"))
    assert scene.drop(kind, name, "first") == set()
    assert len(list(scene.cache.known(kind))) == 1
    scene.drop(kind, name, "second")
    assert list(scene.cache.known(kind)) == []
    assert scene.drop(kind, name) == set()


@pytest.mark.parametrize(("kind", "body"), BODIES, ids=[kind.plural for kind, _ in BODIES])
def test_late_news_of_what_is_gone_do_not_bring_it_back(
    kind: Kind, body: Body, scene: Scene
) -> None:
    name = body["metadata"]["name"]
    scene.put(kind, newer(body, 9))
    scene.drop(kind, name)
    assert scene.put(kind, newer(body, 8)) == set()
    assert scene.put(kind, newer(body, 10)) == set()
    assert list(scene.cache.known(kind)) == []
    scene.put(kind, newer(body, 11, uid="second"))
    assert [uid for _, uid, _ in scene.cache.known(kind)] == ["second"]


@pytest.mark.parametrize(("kind", "body"), BODIES, ids=[kind.plural for kind, _ in BODIES])
def test_an_answer_about_what_is_gone_does_not_bring_it_back(
    kind: Kind, body: Body, scene: Scene
) -> None:
    scene.cache.put_answer(kind, body)
    assert list(scene.cache.known(kind)) == []
    scene.put(kind, newer(body, uid="second"))
    scene.cache.put_answer(kind, newer(body, 9, uid="first"))
    assert [uid for _, uid, _ in scene.cache.known(kind)] == ["second"]
    scene.cache.put_answer(kind, newer(body, 9, uid="second"))
    assert [version for _, _, version in scene.cache.known(kind)] == [9]


# Who is woken.


def test_a_new_job_wakes_itself_those_that_wait_for_it_and_its_experiment(lab: Scene) -> None:
    lab.drop(JOBS, "a")
    again = job_body("a", meta={"uid": "second"})
    assert lab.put(JOBS, again) == {"a", "b", "experiment mnist"}


def test_a_jobs_new_status_wakes_those_that_depend_on_it(lab: Scene) -> None:
    assert lab.put(JOBS, in_state(job_body("a"), S.STARTED)) == {"a", "b", "experiment mnist"}
    assert lab.put(JOBS, in_state(job_body("a"), S.STARTED, 3, reason="Running")) == {"a", "b"}


def test_a_jobs_new_spec_wakes_the_job_alone(lab: Scene) -> None:
    assert lab.put(JOBS, newer(job_body("a", suspend=True))) == {"a"}


def test_a_job_that_is_deleted_wakes_those_that_depend_on_it(lab: Scene) -> None:
    assert lab.drop(JOBS, "a") == {"a", "b", "experiment mnist"}


def test_a_cycle_wakes_its_members_when_it_closes_and_when_it_breaks(scene: Scene) -> None:
    scene.put(JOBS, job_body("a", depends_on=["b"]), job_body("b", depends_on=["c"]))
    assert {"a", "b", "c"} <= scene.put(JOBS, job_body("c", depends_on=["a"]))
    assert {"a", "b", "c"} <= scene.drop(JOBS, "c")
    assert scene.cache.graph.cycle(("lab", "a")) == ()


def test_a_job_made_again_is_another_job(lab: Scene) -> None:
    lab.put(JOBS, in_state(job_body("a"), S.FINISHED))
    lab.line_up("b")
    again = newer(job_body("a", depends_on=["c"]), 5, uid="second")
    assert lab.put(JOBS, again) == {"a", "b", "experiment mnist"}
    assert lab.states() == {S.WAITING: 3}
    assert set(lab.cache.graph.dependents(("lab", "c"))) == {("lab", "a")}


def test_pods_and_batch_jobs_wake_the_job_they_belong_to(lab: Scene) -> None:
    assert lab.put(PODS, pod_body("a-1", job="a")) == {"a"}
    assert lab.put(PODS, newer(pod_body("a-1", job="a", worker=running()))) == {"a"}
    assert [p.started is not None for p in lab.cache.pods(lab.cache.jobs["lab", "a"])] == [True]
    assert lab.drop(PODS, "a-1") == {"a"}
    assert lab.cache.pods(lab.cache.jobs["lab", "a"]) == ()
    assert lab.put(BATCH_JOBS, backing_body("a")) == {"a"}
    assert lab.drop(BATCH_JOBS, "a") == {"a"}


def test_pods_of_nobody_are_left_out(scene: Scene) -> None:
    assert scene.put(PODS, pod_body("stray", meta={"labels": {}})) == set()
    assert list(scene.cache.known(PODS)) == []


def test_an_experiment_wakes_its_jobs_when_something_that_concerns_them_changes(
    lab: Scene,
) -> None:
    counted = newer(experiment_body(status={"jobs": {"waiting": 3}}))
    assert lab.put(EXPERIMENTS, counted) == {"experiment mnist"}
    moved = newer(experiment_body(queue="gpu"), 3)
    assert lab.put(EXPERIMENTS, moved) == {"experiment mnist", "a", "b", "c"}
    registered = newer(experiment_body(queue="gpu", registered="8"), 4)
    assert lab.put(EXPERIMENTS, registered) == {"experiment mnist", "a", "b", "c"}
    assert lab.drop(EXPERIMENTS, "mnist") == {"a", "b", "c"}


def test_a_queue_wakes_its_jobs_when_its_spec_changes(lab: Scene) -> None:
    assert lab.put(QUEUES, newer(queue_body(maxRunning=2))) == {"queue cpu", "a", "b"}
    counted = {**newer(queue_body(maxRunning=2), 3), "status": {"queued": 1}}
    assert lab.put(QUEUES, counted) == {"queue cpu"}
    assert lab.drop(QUEUES, "gpu") == {"c"}


def test_jobs_that_have_ended_are_not_woken_by_what_cannot_concern_them(lab: Scene) -> None:
    lab.put(JOBS, in_state(job_body("a"), S.FINISHED))
    assert lab.put(QUEUES, newer(queue_body(maxRunning=2))) == {"queue cpu", "b"}


# What is counted.


def test_jobs_are_counted_by_state_and_new_ones_wait(lab: Scene) -> None:
    assert lab.states() == {S.WAITING: 3}
    lab.put(JOBS, in_state(job_body("a"), S.STARTED), in_state(job_body("c"), S.SKIPPED))
    assert lab.states() == {S.STARTED: 1, S.WAITING: 1, S.SKIPPED: 1}
    lab.put(JOBS, in_state(job_body("a"), S.FINISHED, 3))
    lab.drop(JOBS, "b")
    assert lab.states() == {S.FINISHED: 1, S.SKIPPED: 1}


def test_a_released_batch_job_holds_a_place_until_it_ends_or_is_gone(lab: Scene) -> None:
    lab.put(BATCH_JOBS, backing_body("a", suspend=False))
    assert (lab.running(), lab.running("gpu")) == (1, 0)
    lab.put(BATCH_JOBS, newer(backing_body("a", suspend=False, status=complete())))
    assert lab.running() == 0
    lab.put(BATCH_JOBS, backing_body("c", suspend=False, queue="gpu"))
    lab.drop(BATCH_JOBS, "c")
    assert lab.running("gpu") == 0


def test_a_batch_job_made_again_suspended_holds_no_place(lab: Scene) -> None:
    lab.put(BATCH_JOBS, backing_body("a", suspend=False))
    lab.put(BATCH_JOBS, newer(backing_body("a"), uid="second"))
    assert lab.running() == 0


def test_a_batch_job_of_a_job_deleted_since_holds_its_place_until_it_is_gone(lab: Scene) -> None:
    lab.put(BATCH_JOBS, backing_body("a", suspend=False))
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
    lab.put(BATCH_JOBS, backing_body("a", suspend=False))
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
    lab.put(BATCH_JOBS, backing_body("a", suspend=False))
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
    lab.put(BATCH_JOBS, backing_body("a", suspend=False))
    lab.put(JOBS, job_body("d"), job_body("e"))
    lab.line_up("d", "e")
    over = newer(backing_body("a", suspend=False, status=complete()))
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
    lab.put(BATCH_JOBS, backing_body("a", suspend=False))
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
    ("backing", "queue"),
    [
        (backing_body("a", suspend=False), "cpu"),
        (backing_body("a"), "gpu"),
        (backing_body("a", suspend=False, status=complete()), "gpu"),
        (backing_body("a", suspend=False, owner="uid-other"), "gpu"),
    ],
    ids=["it runs", "it waits", "it has ended", "another's runs"],
)
def test_a_job_that_runs_stays_with_its_queue_when_the_experiment_names_another(
    backing: Body, queue: str, lab: Scene
) -> None:
    lab.put(BATCH_JOBS, backing)
    lab.put(EXPERIMENTS, newer(experiment_body(queue="gpu")))
    assert lab.cache.queue_of(lab.cache.jobs["lab", "a"]) == ("lab", queue)
    assert ("a" in lab.put(QUEUES, newer(queue_body(stopPolicy="Hold")))) is (queue == "cpu")


def test_what_a_status_remembers_is_read_back(scene: Scene) -> None:
    entry = DependencyStatus(name="a", uid="u", state=S.FAILED, met=True)
    scene.put(JOBS, job_body("b", status=JobStatus(dependencies=(entry, met("x")))))
    assert scene.cache.jobs["lab", "b"].status.dependencies == (entry, met("x"))
