import pytest

from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState, JobStatus
from alidade_operator.act.status import write_status
from alidade_operator.kube.gateway import JOBS, ConflictError
from tests.support.builders import NOW, job_body
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance
from tests.support.simulation.gateway import UnreliableGateway
from tests.support.simulation.rules import schema
from tests.support.virtual_time import in_virtual_time

OLD = JobStatus(state=JobState.STARTED, outputs={"a": "1"}, start_time=NOW)
NEW = JobStatus(state=JobState.FAILED, start_time=NOW)


class Scene:
    """An API server with one job."""

    def __init__(self) -> None:
        self.server = ApiServer(lambda *_: None)
        self.gateway = UnreliableGateway(self.server, Chance(0, 0), lambda: None)
        self.job = Job.model_validate(self.server.place(JOBS, job_body(status=OLD)))


@in_virtual_time
async def test_a_status_becomes_what_it_is_to_be_and_nothing_else_changes() -> None:
    scene = Scene()
    answer = await write_status(scene.gateway, JOBS, scene.job, OLD, NEW)
    written = Job.model_validate(answer)
    assert (written.status, written.spec) == (NEW, scene.job.spec)
    assert scene.server.read(JOBS, "train") == answer


@in_virtual_time
async def test_what_another_version_of_the_operator_has_told_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The definition is that of the other version, and knows the field.
    monkeypatch.setattr(schema, "of", lambda _kind: None)
    scene = Scene()
    scene.server.update(JOBS, "train", status={**OLD.dump(), "later": {"a": 1}})
    job = Job.model_validate(scene.server.read(JOBS, "train"))
    answer = await write_status(scene.gateway, JOBS, job, job.status, NEW)
    assert answer["status"]["later"] == {"a": 1}
    assert answer["status"]["state"] == "Failed"


@in_virtual_time
async def test_a_status_is_not_written_to_another_job_of_the_name() -> None:
    scene = Scene()
    scene.server.remove(JOBS, "train")
    again = scene.server.place(JOBS, job_body())
    with pytest.raises(ConflictError):
        await write_status(scene.gateway, JOBS, scene.job, OLD, NEW)
    assert scene.server.read(JOBS, "train") == again


@in_virtual_time
async def test_an_end_is_not_replaced_by_one_who_has_not_seen_it() -> None:
    scene = Scene()
    scene.server.update(JOBS, "train", status=NEW.dump())
    with pytest.raises(ConflictError):
        await write_status(
            scene.gateway, JOBS, scene.job, OLD, JobStatus(state=JobState.STARTED, start_time=NOW)
        )
    assert Job.model_validate(scene.server.read(JOBS, "train")).status == NEW
