import asyncio

from alidade.api.experiment import Experiment
from alidade.api.job import Job
from alidade.kube.gateway import EXPERIMENTS, JOBS
from alidade.runtime.cache import Cache, WorkKey
from alidade.runtime.sweep import Sweep
from alidade.runtime.tracker import Tracker
from tests.support.builders import NAMESPACE, experiment_body, job_body
from tests.support.reconciling import CERTAIN, Faltering
from tests.support.virtual_time import in_virtual_time

KEY = WorkKey("experiment", NAMESPACE, "mnist")
REGISTERED = "7"


class Scene:
    """An operator that has just learned of a cluster with one job, and an MLflow server."""

    def __init__(self) -> None:
        self.mlflow = Faltering(CERTAIN)
        self.cache = Cache(lambda key: None)
        self.cache.put(EXPERIMENTS, experiment_body())
        self.cache.put(JOBS, job_body("stays"))
        self.departed: list[Job] = []
        self._tracker = Tracker(lambda key: None)
        self._sweep = Sweep(self.cache, self._tracker, self.mlflow, self.departed.append)

    @property
    def experiment(self) -> Experiment:
        return self.cache.experiments[NAMESPACE, "mnist"]

    @property
    def job(self) -> Job:
        return self.cache.jobs[NAMESPACE, "stays"]

    async def run(self, job: str, uid: str, *, of: str | None = None) -> str:
        """Have a run of a job; return its ID."""
        tags = {
            "alidade.dev/uid": uid,
            "alidade.dev/job": job,
            "alidade.dev/namespace": NAMESPACE,
            "alidade.dev/experiment": "mnist",
            "alidade.dev/experiment-uid": of or self.experiment.metadata.uid,
        }
        return await self.mlflow.ensure_run(REGISTERED, job, tags, search=False)

    async def sweep(self) -> None:
        work = asyncio.create_task(self._tracker.run())
        self._sweep.request(KEY, self.experiment, REGISTERED)
        await asyncio.sleep(100)
        work.cancel()


@in_virtual_time
async def test_a_run_whose_job_went_while_no_operator_ran_is_seen_off() -> None:
    lab = Scene()
    run_id = await lab.run("gone", "uid-gone")
    await lab.sweep()
    (departed,) = lab.departed
    assert departed.key == (NAMESPACE, "gone")
    assert departed.metadata.uid == "uid-gone"
    assert departed.status.mlflow_run_id == run_id


@in_virtual_time
async def test_runs_that_have_ended_or_are_anothers_are_let_be() -> None:
    lab = Scene()
    await lab.run("stays", lab.job.metadata.uid)
    await lab.run("foreign", "uid-foreign", of="uid-of-another-cluster")
    await lab.mlflow.end_run(await lab.run("ended", "uid-ended"), "FINISHED", {})
    await lab.sweep()
    assert lab.departed == []


@in_virtual_time
async def test_what_the_operator_saw_go_is_not_seen_off_twice() -> None:
    lab = Scene()
    uid = lab.job.metadata.uid
    await lab.run("stays", uid)
    lab.cache.drop(JOBS, NAMESPACE, "stays", uid)
    await lab.sweep()
    assert lab.departed == []


@in_virtual_time
async def test_an_experiment_is_looked_through_once() -> None:
    lab = Scene()
    await lab.sweep()
    await lab.run("gone", "uid-gone")
    await lab.sweep()
    assert lab.departed == []


@in_virtual_time
async def test_mlflow_is_asked_until_it_answers() -> None:
    lab = Scene()
    await lab.run("gone", "uid-gone")
    lab.mlflow.failures = 2
    await lab.sweep()
    assert [job.metadata.name for job in lab.departed] == ["gone"]
