"""What the operator does when the API server's store is put back beneath it."""

import asyncio

from alidade_core.api.job import Job
from alidade_core.api.job_condition import JobCondition
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    EXPERIMENTS,
    JOBS,
    QUEUES,
    Body,
    Kind,
    UnavailableError,
)
from alidade_operator.loop.engine import Engine
from alidade_operator.ops.settings import Settings
from tests.support.builders import experiment_body, job_body, queue_body
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance, clock
from tests.support.simulation.gateway import UnreliableGateway
from tests.support.simulation.mlflow import Mlflow
from tests.support.virtual_time import in_virtual_time

CERTAIN = Chance(0, 0)
# Everything is compared every five minutes, and a store is believed to be restored after a while.
NOTICED_SECONDS = 600.0


class Gateway(UnreliableGateway):
    """Finds no object by its name as long as it is told so."""

    answers = True

    async def get(self, kind: Kind, namespace: str, name: str) -> Body:
        if not self.answers:
            raise UnavailableError("the request timed out")
        return await super().get(kind, namespace, name)


@in_virtual_time
async def test_nothing_is_decided_on_a_batch_job_of_a_store_that_is_no_more() -> None:
    server = ApiServer()
    gateway = Gateway(server, CERTAIN, lambda: None)
    settings = Settings(tracking_uri="http://mlflow")
    engine = Engine(gateway, gateway, Mlflow(CERTAIN), settings, clock)
    for kind, body in (
        (EXPERIMENTS, experiment_body(tracking="None")),
        (QUEUES, queue_body()),
        (JOBS, job_body()),
    ):
        server.place(kind, {**body, "status": {}})
    backup = server.back_up()
    task = asyncio.create_task(engine.run())
    await asyncio.sleep(NOTICED_SECONDS)
    before = server.read(BATCH_JOBS, "train")["metadata"]["uid"]
    server.restore(*backup)
    gateway.answers = False
    await asyncio.sleep(NOTICED_SECONDS)
    gateway.answers = True
    await asyncio.sleep(NOTICED_SECONDS)
    assert server.read(BATCH_JOBS, "train")["metadata"]["uid"] != before
    found = Job.model_validate(server.read(JOBS, "train")).status
    assert (found.reason, found.is_true(JobCondition.SUSPENDED)) == ("PodPending", False)
    task.cancel()
