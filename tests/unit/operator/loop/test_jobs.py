import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobStatus
from alidade_operator.decide.answers import TrackingView
from alidade_operator.decide.run_owner import EXPERIMENT_TAG, JOB_TAG, NAMESPACE_TAG, UID_TAG
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    JOBS,
    PODS,
    QUEUES,
    Body,
    ForbiddenError,
    UnavailableError,
)
from alidade_operator.loop.doubts import LATE_SECONDS
from alidade_operator.objects.well_known import (
    JOB_LABEL,
    JOB_UID_LABEL,
    LOCAL_QUEUE_LABEL,
    QUEUE_LABEL,
)
from tests.support.builders import (
    NAMESPACE,
    complete,
    job_body,
    pod_body,
    running,
    terminated,
)
from tests.support.reconciling import S, Scene, owned_by, scene
from tests.support.simulation.chance import clock
from tests.support.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_job_is_led_to_its_release() -> None:
    async with scene() as lab:
        await lab.bring_on()
        assert lab.where() == (S.QUEUED, "PodPending")
        assert lab.runs()
        (owner,) = lab.server.read(BATCH_JOBS, "train")["metadata"]["ownerReferences"]
        assert owner["uid"] == lab.server.read(JOBS, "train")["metadata"]["uid"]
        assert list(lab.mlflow.runs) == [lab.status().mlflow_run_id]


@in_virtual_time
async def test_a_status_is_written_before_anything_is_done() -> None:
    async with scene() as lab:
        lab.gateway.refusals["patch_status"] = ForbiddenError("RBAC")
        with pytest.raises(ForbiddenError):
            await lab.reconcile()
        assert lab.gateway.asked == ["patch_status"]


@in_virtual_time
async def test_what_is_already_so_is_not_written_again() -> None:
    async with scene(job_body(depends_on=["missing"])) as lab:
        await lab.bring_on()
        version = lab.server.version
        await lab.bring_on()
        lab.start()
        await lab.bring_on()
        assert lab.server.version == version


@in_virtual_time
async def test_a_job_that_does_not_exist_is_nobodys_business() -> None:
    async with scene() as lab:
        assert await lab.reconcile("other") is None
        assert lab.gateway.asked == []


# Answers that were lost.


@in_virtual_time
async def test_an_end_whose_answer_was_lost_is_not_told_anew() -> None:
    async with scene(job_body(cancel=True)) as lab:
        lab.gateway.lost_answers.add("patch_status")
        with pytest.raises(UnavailableError):
            await lab.reconcile()
        told = lab.status()
        lab.gateway.lost_answers.clear()
        await asyncio.sleep(100)
        await lab.reconcile()
        assert lab.status() == told
        assert told.state is S.CANCELLED


RELEASES = pytest.mark.parametrize("request_", ["create", "patch"])
"""A job is let run by being created so, or by a patch if it had to wait."""


async def let_wait(lab: Scene, *names: str) -> None:
    """Let jobs wait for their queue, and then no longer."""
    lab.server.update(QUEUES, "cpu", spec={"maxRunning": 1, "stopPolicy": "Hold"})
    lab.see()
    for name in names:
        await lab.reconcile(name)
        assert lab.where(name) == (S.QUEUED, "QueueHeld")
    lab.server.update(QUEUES, "cpu", spec={"maxRunning": 1})
    lab.see()


async def released_without_an_answer(lab: Scene, request: str, *, done: bool) -> None:
    """Let two jobs want the one place, and the release of the first fail."""
    if request == "patch":
        await let_wait(lab, "a", "b")
    if done:
        lab.gateway.lost_answers.add(request)
    else:
        lab.gateway.refusals[request] = UnavailableError("the request was lost")
    with pytest.raises(UnavailableError):
        await lab.reconcile("a")
    assert lab.runs("a") == done
    lab.gateway.lost_answers.clear()
    lab.gateway.refusals.clear()


@RELEASES
@pytest.mark.parametrize("done", [True, False])
@in_virtual_time
async def test_the_place_of_a_release_without_an_answer_is_kept(done: bool, request_: str) -> None:
    async with scene(job_body("a"), job_body("b"), tracking="None", maxRunning=1) as lab:
        await released_without_an_answer(lab, request_, done=done)
        await lab.reconcile("b")
        assert lab.where("b") == (S.QUEUED, "QueueFull")
        await lab.reconcile("a")
        await lab.reconcile("b")
        assert lab.runs("a")
        assert not lab.runs("b")


@RELEASES
@in_virtual_time
async def test_the_place_of_a_release_nobody_wants_any_more_is_kept_until_it_can_come_no_more(
    request_: str,
) -> None:
    async with scene(job_body("a"), job_body("b"), tracking="None", maxRunning=1) as lab:
        await released_without_an_answer(lab, request_, done=False)
        lab.server.update(JOBS, "a", spec={**job_body("a")["spec"], "suspend": True})
        lab.see()
        await lab.reconcile("a")
        assert lab.where("a") == (S.QUEUED, "Suspended")
        await lab.reconcile("b")
        assert lab.where("b") == (S.QUEUED, "QueueFull")
        await asyncio.sleep(LATE_SECONDS)
        await lab.reconcile("a")
        await lab.reconcile("b")
        assert lab.runs("b")


@RELEASES
@in_virtual_time
async def test_a_release_that_was_refused_is_told_and_its_place_is_the_next_ones(
    request_: str,
) -> None:
    async with scene(job_body("a"), job_body("b"), tracking="None", maxRunning=1) as lab:
        if request_ == "patch":
            await let_wait(lab, "a", "b")
        lab.gateway.refusals[request_] = ForbiddenError("policy: not today")
        await lab.reconcile("a")
        lab.gateway.refusals.clear()
        await lab.reconcile("a")
        assert lab.where("a") == (S.WAITING, "BackingJobRejected")
        await lab.reconcile("b")
        assert lab.runs("b")
        assert "refused: policy: not today" in (lab.status("a").message or "")
        suspended = lab.status("a").condition("Suspended")
        assert suspended is None or suspended.status == "True"


@in_virtual_time
async def test_a_release_of_what_has_changed_meanwhile_is_planned_anew() -> None:
    async with scene(job_body(), tracking="None", maxRunning=1) as lab:
        await let_wait(lab, "train")
        labels = {**lab.server.read(BATCH_JOBS, "train")["metadata"]["labels"], "by": "hand"}
        meta = {**lab.server.read(BATCH_JOBS, "train")["metadata"], "labels": labels}
        lab.server.update(BATCH_JOBS, "train", metadata=meta)
        await lab.reconcile()
        assert not lab.runs()
        await lab.reconcile()
        assert lab.runs()


@in_virtual_time
async def test_what_kueue_lets_run_already_is_handed_over_all_the_same() -> None:
    async with scene(tracking="None", kueueLocalQueue="team", stopPolicy="Hold") as lab:
        await lab.reconcile()
        uid = lab.server.read(BATCH_JOBS, "train")["metadata"]["uid"]
        # The answer was lost, and news of the pod come before those of its batch/v1 Job.
        meta = {"labels": {JOB_LABEL: "train", QUEUE_LABEL: "cpu"}, **owned_by(uid)}
        lab.have(PODS, pod_body(phase="Pending", meta=meta))
        lab.server.update(QUEUES, "cpu", spec={"kueueLocalQueue": "team"})
        lab.see()
        lab.cache.step_out(lab.cache.jobs[NAMESPACE, "train"].metadata.uid)
        await lab.reconcile()
        labels = lab.server.read(BATCH_JOBS, "train")["metadata"]["labels"]
        assert labels[LOCAL_QUEUE_LABEL] == "team"


# A new life.


@in_virtual_time
async def test_after_a_restart_the_first_in_line_gets_the_place_whoever_asks_first() -> None:
    jobs = (job_body("a"), job_body("b", priority=1))
    async with scene(*jobs, tracking="None", maxRunning=1) as lab:
        await let_wait(lab, "a", "b")
        lab.start()
        await lab.reconcile("a")
        await lab.reconcile("b")
        assert (lab.runs("a"), lab.runs("b")) == (False, True)


@in_virtual_time
async def test_a_run_that_an_earlier_life_created_is_found_again() -> None:
    async with scene() as lab:
        uid = lab.server.read(JOBS, "train")["metadata"]["uid"]
        own = {UID_TAG: uid, JOB_TAG: "train", NAMESPACE_TAG: NAMESPACE, EXPERIMENT_TAG: "mnist"}
        await lab.mlflow.ensure_run("7", "train", own, search=False)
        lab.start()
        await lab.bring_on()
        assert list(lab.mlflow.owners) == [lab.status().mlflow_run_id]


@in_virtual_time
async def test_a_run_that_comes_while_the_status_is_written_is_not_created_twice() -> None:
    async with scene() as lab:
        lab.mlflow.failures = 1
        await lab.reconcile()
        await asyncio.sleep(0.05)
        lab.gateway.delay = 60
        await lab.reconcile()
        assert lab.where() == (S.QUEUED, "TrackingUnavailable")
        lab.gateway.delay = 0
        await lab.bring_on()
        assert list(lab.mlflow.owners) == [lab.status().mlflow_run_id]


# The end.


@in_virtual_time
async def test_the_pods_are_read_where_the_watches_are_not_in_step() -> None:
    async with scene(tracking="None") as lab:
        await lab.bring_on()
        uid = lab.server.read(BATCH_JOBS, "train")["metadata"]["uid"]
        told = terminated(message='{"model": "m1"}')
        body = pod_body(phase="Succeeded", worker=told, meta=owned_by(uid))
        lab.server.place(PODS, body)
        lab.cache.put(BATCH_JOBS, lab.server.update(BATCH_JOBS, "train", status=complete()))
        await lab.reconcile()
        await lab.reconcile()
        assert lab.where() == (S.FINISHED, "Completed")
        assert lab.status().outputs == {"model": "m1"}


@in_virtual_time
async def test_pods_that_were_listed_for_one_batch_job_are_not_all_of_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with scene(tracking="None") as lab:
        await lab.bring_on()
        list_all = lab.gateway.list_all

        async def list_and_have_another(*which: Any, **options: Any) -> AsyncIterator[Body]:
            async for body in list_all(*which, **options):
                yield body
            monkeypatch.undo()
            lab.server.remove(BATCH_JOBS, "train")
            lab.cache.drop(BATCH_JOBS, NAMESPACE, "train", before["metadata"]["uid"])
            next_ = lab.server.place(BATCH_JOBS, before)
            lab.cache.put(BATCH_JOBS, next_)
            told = terminated(message='{"model": "m1"}')
            meta = owned_by(next_["metadata"]["uid"])
            lab.server.place(PODS, pod_body(phase="Succeeded", worker=told, meta=meta))

        before = lab.server.update(BATCH_JOBS, "train", status=complete())
        lab.cache.put(BATCH_JOBS, before)
        monkeypatch.setattr(lab.gateway, "list_all", list_and_have_another)
        for _ in range(3):
            await lab.reconcile()
        assert lab.where() == (S.FINISHED, "Completed")
        assert lab.status().outputs == {"model": "m1"}


@in_virtual_time
async def test_pods_of_an_earlier_batch_job_of_the_name_say_nothing_of_this_one() -> None:
    async with scene(tracking="None") as lab:
        await lab.bring_on()
        orphan = pod_body(phase="Running", worker=running(), meta=owned_by("uid-earlier"))
        lab.have(PODS, orphan)
        await lab.reconcile()
        assert lab.where() == (S.QUEUED, "PodPending")


@in_virtual_time
async def test_a_job_whose_batch_job_was_deleted_is_not_run_beside_the_pods_of_that() -> None:
    async with scene(job_body(suspend=True), tracking="None") as lab:
        uid = lab.server.read(JOBS, "train")["metadata"]["uid"]
        meta = {"labels": {JOB_LABEL: "train", JOB_UID_LABEL: uid}, **owned_by("uid-earlier")}
        lab.have(PODS, pod_body(phase="Running", worker=running(), meta=meta))
        lab.server.update(JOBS, "train", spec=job_body()["spec"])
        lab.see()
        await lab.bring_on()
        assert lab.where() == (S.QUEUED, "Stopping")
        orphan = lab.server.read(PODS, "train-x7k2p")["metadata"]
        lab.server.remove(PODS, orphan["name"])
        lab.cache.drop(PODS, NAMESPACE, orphan["name"], orphan["uid"])
        await lab.bring_on()
        assert lab.runs()


def delete(lab: Scene) -> Job:
    """Delete the job and, as the garbage collector would, its batch/v1 Job."""
    job = lab.cache.jobs[NAMESPACE, "train"]
    for kind in (JOBS, BATCH_JOBS):
        body = lab.server.read(kind, "train")
        lab.server.remove(kind, "train")
        lab.cache.drop(kind, NAMESPACE, "train", body["metadata"]["uid"])
    lab.reconciler.depart(job)
    return job


@in_virtual_time
async def test_the_runs_of_two_jobs_of_one_name_that_are_deleted_both_end() -> None:
    async with scene() as lab:
        await lab.bring_on()
        delete(lab)
        lab.have(JOBS, job_body(meta={"uid": "uid-another"}))
        # Before anything has been done about the first.
        another = lab.cache.jobs[NAMESPACE, "train"]
        lab.mlflow.runs["r-another"] = "SCHEDULED"
        lab.mlflow.tags["r-another"] = {UID_TAG: another.metadata.uid}
        status = another.status.model_copy(update={"mlflow_run_id": "r-another"})
        lab.reconciler.depart(another.model_copy(update={"status": status}))
        lab.server.remove(JOBS, "train")
        lab.cache.drop(JOBS, NAMESPACE, "train", another.metadata.uid)
        await lab.bring_on()
        assert list(lab.mlflow.runs.values()) == ["KILLED", "KILLED"]


@in_virtual_time
async def test_the_run_of_a_job_that_is_deleted_ends_with_it() -> None:
    async with scene() as lab:
        await lab.bring_on()
        job = delete(lab)
        await lab.bring_on()
        assert list(lab.mlflow.runs.values()) == ["KILLED"]
        assert lab.tracker.view(job.metadata.uid) == TrackingView()


@in_virtual_time
async def test_a_job_that_vanished_unnoticed_is_forgotten_when_it_is_missed() -> None:
    async with scene() as lab:
        lab.server.remove(JOBS, "train")
        await lab.reconcile()
        assert lab.cache.jobs == {}
        assert lab.server.all(BATCH_JOBS) == []


@in_virtual_time
async def test_an_expired_job_is_deleted_once_those_that_depend_on_it_know_its_end() -> None:
    status = JobStatus(state=S.FINISHED, completion_time=clock())
    first = job_body("first", ttlSecondsAfterFinished=60, status=status)
    async with scene(first, job_body("second", depends_on=["first"])) as lab:
        left = await lab.reconcile("first")
        assert left is not None
        await asyncio.sleep(left)
        assert await lab.reconcile("first") == 1
        await lab.reconcile("second")
        await lab.reconcile("first")
        assert lab.server.find(JOBS, "first") is None
        assert lab.where("second")[0] is S.QUEUED
