"""Releases that may yet be carried out keep the place of their job, and nobody else's."""

import asyncio

from alidade_operator.decide.admitted import Admitted
from alidade_operator.index.cache import Cache
from alidade_operator.kube.gateway import BATCH_JOBS, JOBS, QUEUES
from alidade_operator.loop.doubts import LATE_SECONDS, Doubts
from tests.support.builders import NAMESPACE, batch_job_body, job_body, queue_body
from tests.support.virtual_time import in_virtual_time

QUEUE = (NAMESPACE, "cpu")


class Scene:
    """A queue with one place, two jobs that want it, and a release of the first without answer."""

    def __init__(self, version: str | None) -> None:
        self.cache = Cache(lambda _: None)
        self.cache.put(QUEUES, queue_body("cpu", maxRunning=1))
        for name in "ab":
            self.cache.put(JOBS, job_body(name, queue="cpu"))
        self.job = self.cache.jobs[NAMESPACE, "a"]
        self.doubts = Doubts(self.cache)
        self.ask(version)

    def ask(self, version: str | None) -> None:
        self.cache.line_up(self.job)
        self.cache.reserve(self.job.metadata.uid)
        self.doubts.note(self.job, version)
        self.cache.step_out(self.job.metadata.uid)

    def kept(self) -> bool:
        ledger, queue = self.cache.ledger(QUEUE), self.cache.queues[QUEUE]
        kept = ledger.running == 1
        assert not kept or ledger.place(self.job.metadata.uid, queue) == Admitted()
        return kept

    def have(self, version: int) -> None:
        body = batch_job_body("a", suspend=True)
        meta = {**body["metadata"], "resourceVersion": str(version)}
        self.cache.put(BATCH_JOBS, {**body, "metadata": meta})


@in_virtual_time
async def test_what_was_to_be_created_and_is_not_there_may_come_for_a_time() -> None:
    scene = Scene(None)
    scene.doubts.look(scene.job)
    assert scene.kept()
    await asyncio.sleep(LATE_SECONDS - 1)
    assert scene.kept()
    await asyncio.sleep(1.5)
    assert not scene.kept()


@in_virtual_time
async def test_what_is_there_was_carried_out() -> None:
    scene = Scene(None)
    scene.have(5)
    scene.doubts.look(scene.job)
    assert not scene.kept()


@in_virtual_time
async def test_a_patch_of_a_version_that_is_not_there_any_more_never_will_be() -> None:
    scene = Scene("5")
    scene.have(5)
    scene.doubts.look(scene.job)
    assert scene.kept()
    scene.have(6)
    scene.doubts.look(scene.job)
    assert not scene.kept()


@in_virtual_time
async def test_a_job_that_asks_again_keeps_one_place() -> None:
    scene = Scene(None)
    scene.cache.line_up(scene.job)
    scene.cache.reserve(scene.job.metadata.uid)
    scene.doubts.note(scene.job, None)
    scene.cache.step_out(scene.job.metadata.uid)
    assert scene.kept()
    scene.doubts.forget(scene.job.metadata.uid)
    assert not scene.kept()
