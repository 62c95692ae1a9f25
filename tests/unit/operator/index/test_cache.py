from typing import Any

import pytest

from alidade_core.api.job_status import DependencyStatus, JobState, JobStatus
from alidade_operator.kube.gateway import BATCH_JOBS, EXPERIMENTS, JOBS, PODS, QUEUES, Body, Kind
from tests.support.builders import (
    batch_job_body,
    experiment_body,
    job_body,
    met,
    pod_body,
    queue_body,
    running,
)
from tests.support.caching import Scene, newer

S = JobState


def in_state(body: Body, state: JobState, version: int = 2, **status: Any) -> Body:
    return {**newer(body, version), "status": JobStatus(state=state, **status).dump()}


# Versions.

BODIES = [
    (JOBS, job_body("a")),
    (PODS, pod_body("a-1", job="a")),
    (BATCH_JOBS, batch_job_body("a")),
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


def test_a_jobs_new_state_wakes_those_that_depend_on_it(lab: Scene) -> None:
    assert lab.put(JOBS, in_state(job_body("a"), S.STARTED)) == {"a", "b", "experiment mnist"}
    assert lab.put(JOBS, in_state(job_body("a"), S.STARTED, 3, mlflowRunId="r")) == {"a", "b"}


def test_what_else_a_job_tells_wakes_the_job_alone(lab: Scene) -> None:
    lab.put(JOBS, in_state(job_body("a"), S.QUEUED))
    told = {"reason": "QueueFull", "message": "position 3 of 9"}
    assert lab.put(JOBS, in_state(job_body("a"), S.QUEUED, 3, **told)) == {"a"}


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
    assert lab.put(BATCH_JOBS, batch_job_body("a")) == {"a"}
    assert lab.drop(BATCH_JOBS, "a") == {"a"}


@pytest.mark.parametrize("pod_first", [False, True])
def test_a_copy_of_a_batch_job_is_none_of_the_job_nor_are_its_pods(
    pod_first: bool, lab: Scene
) -> None:
    lab.put(BATCH_JOBS, batch_job_body("a", suspend=False))
    labels = batch_job_body("a")["metadata"]["labels"]
    copy = batch_job_body("copy", suspend=False, meta={"uid": "uid-copy", "labels": labels})
    copy["spec"]["template"]["metadata"]["labels"] = labels
    owner = {"kind": "Job", "name": "copy", "uid": "uid-copy", "controller": True}
    pod = pod_body("copy-1", meta={"labels": labels, "ownerReferences": [owner]})
    news = [(BATCH_JOBS, copy), (PODS, pod)]
    for kind, body in reversed(news) if pod_first else news:
        lab.put(kind, body)
    lab.drop(BATCH_JOBS, "a")
    assert lab.cache.pods(lab.cache.jobs["lab", "a"]) == ()
    assert lab.running() == 0


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


def test_what_a_status_remembers_is_read_back(scene: Scene) -> None:
    entry = DependencyStatus(name="a", uid="u", state=S.FAILED, met=True)
    scene.put(JOBS, job_body("b", status=JobStatus(dependencies=(entry, met("x")))))
    assert scene.cache.jobs["lab", "b"].status.dependencies == (entry, met("x"))
