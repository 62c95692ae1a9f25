import pytest

from alidade.api.job import Job, JobState, JobStatus
from alidade.kube.gateway import JOBS, ConflictError
from alidade.runtime.status import write_status
from tests.support.builders import NOW, job_body
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance
from tests.support.simulation.gateway import UnreliableGateway
from tests.support.virtual_time import in_virtual_time

OLD = JobStatus(state=JobState.STARTED, outputs={"a": "1"}, start_time=NOW)
NEW = JobStatus(state=JobState.FAILED, start_time=NOW)


class Scene:
    """An API server with one job."""

    def __init__(self) -> None:
        self.server = ApiServer(lambda *_: None)
        self.gateway = UnreliableGateway(self.server, Chance(0, 0), lambda: None)
        self.job = Job.model_validate(self.server.create(JOBS, job_body(status=OLD)))


@in_virtual_time
async def test_a_status_is_written_whole_and_nothing_else() -> None:
    scene = Scene()
    answer = await write_status(scene.gateway, JOBS, scene.job, NEW)
    written = Job.model_validate(answer)
    assert (written.status, written.spec) == (NEW, scene.job.spec)
    assert scene.server.read(JOBS, "train") == answer


@in_virtual_time
async def test_a_status_is_not_written_to_another_job_of_the_name() -> None:
    scene = Scene()
    scene.server.remove(JOBS, "train")
    again = scene.server.create(JOBS, job_body())
    with pytest.raises(ConflictError):
        await write_status(scene.gateway, JOBS, scene.job, NEW)
    assert scene.server.read(JOBS, "train") == again
