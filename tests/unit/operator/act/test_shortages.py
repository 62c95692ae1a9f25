"""A quota that allows one batch/v1 Job, a job that waits for Kueue, and one that could run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from alidade_operator.decide.admission.kueue import JOB_UID_LABEL
from alidade_operator.kube.gateway import BATCH_JOBS, JOBS, QUEUES, WORKLOADS
from alidade_operator.objects.well_known import LOCAL_QUEUE_LABEL
from tests.support.builders import NAMESPACE, job_body, queue_body
from tests.support.reconciling import S, Scene, scene
from tests.support.virtual_time import in_virtual_time

REJECTED = (S.WAITING, "BackingJobRejected")


@asynccontextmanager
async def quota_of_one() -> AsyncIterator[Scene]:
    """The job `kueues` has the one batch/v1 Job that there may be, and waits for Kueue."""
    async with scene(job_body("kueues", queue="team"), tracking="None") as lab:
        lab.have(QUEUES, queue_body("team", kueueLocalQueue="team"))
        lab.gateway.most_batch_jobs = 1
        await lab.bring_on("kueues")
        assert batch_jobs(lab) == ["kueues"]
        assert lab.where("kueues") == (S.QUEUED, "KueuePending")
        yield lab


def batch_jobs(lab: Scene) -> list[str]:
    return [body["metadata"]["name"] for body in lab.server.all(BATCH_JOBS)]


def deletions(lab: Scene) -> int:
    return lab.gateway.asked.count(f"delete {BATCH_JOBS}")


async def ask(lab: Scene, name: str) -> None:
    await lab.reconcile(name)
    lab.see()


async def woken(lab: Scene) -> set[str]:
    """Return who is to be looked at, and look at nobody."""
    found = set()
    while len(lab.queue):
        key = await lab.queue.get()
        lab.queue.done(key)
        found.add(key.name)
    return found


def see_gone(lab: Scene, name: str) -> None:
    (uid,) = (b.uid for b in lab.cache.batch_jobs.values() if b.name == name)
    lab.cache.drop(BATCH_JOBS, NAMESPACE, name, uid)


@in_virtual_time
async def test_what_kueue_lets_wait_yields_once_and_stands_by_until_the_other_is_created() -> None:
    async with quota_of_one() as lab:
        lab.have(JOBS, job_body("runs"))
        await ask(lab, "runs")
        assert (batch_jobs(lab), lab.where("runs")) == ([], (S.QUEUED, "Preparing"))
        see_gone(lab, "kueues")
        await ask(lab, "kueues")
        assert (batch_jobs(lab), lab.where("kueues")) == ([], REJECTED)
        assert "that of job runs, which can run at once" in (lab.status("kueues").message or "")

        await woken(lab)
        await lab.bring_on("runs")
        assert lab.runs("runs")
        assert "kueues" in await woken(lab)
        await lab.bring_on("kueues", "runs")
        assert (batch_jobs(lab), lab.where("kueues")) == (["runs"], REJECTED)
        assert "exceeded quota" in (lab.status("kueues").message or "")
        assert deletions(lab) == 1


@in_virtual_time
async def test_it_is_handed_over_anew_when_the_other_asks_no_more() -> None:
    async with quota_of_one() as lab:
        lab.have(JOBS, job_body("runs"))
        await ask(lab, "runs")
        see_gone(lab, "kueues")
        await ask(lab, "kueues")
        assert lab.where("kueues") == REJECTED
        lab.server.update(JOBS, "runs", spec=job_body("runs", cancel=True)["spec"])
        lab.see()
        await ask(lab, "runs")
        await ask(lab, "kueues")
        assert lab.server.read(BATCH_JOBS, "kueues")["metadata"]["labels"][LOCAL_QUEUE_LABEL]


@in_virtual_time
async def test_what_kueue_has_reserved_a_quota_for_keeps_its_room() -> None:
    async with quota_of_one() as lab:
        uid = lab.server.read(BATCH_JOBS, "kueues")["metadata"]["uid"]
        reserved = {"type": "QuotaReserved", "status": "True", "reason": "QuotaReserved"}
        named = {"name": "w", "labels": {JOB_UID_LABEL: uid}}
        told = {"metadata": named, "status": {"conditions": [reserved]}}
        lab.server.place(WORKLOADS, told, NAMESPACE)
        lab.have(JOBS, job_body("runs"))
        await lab.bring_on("runs", "kueues")
        assert (batch_jobs(lab), lab.where("runs")) == (["kueues"], REJECTED)
        assert deletions(lab) == 0
