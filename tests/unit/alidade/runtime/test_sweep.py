import asyncio

import pytest

from alidade.api.job import Job
from alidade.domain.mlflow_run import INSTALLATION_TAG, UID_TAG
from alidade.kube.gateway import JOBS
from alidade.runtime.cache import Cache
from alidade.runtime.sweep import Sweep
from tests.support.builders import NAMESPACE, job_body
from tests.support.reconciling import CERTAIN, Faltering
from tests.support.virtual_time import in_virtual_time

OURS = "uid-alidade"


class Scene:
    """An operator that has just learned of a cluster with one job, and an MLflow server."""

    def __init__(self, *served: str) -> None:
        self.mlflow = Faltering(CERTAIN)
        self.cache = Cache(lambda key: None)
        self.cache.installation = OURS
        self.cache.put(JOBS, job_body("stays"))
        self.departed: list[Job] = []
        self._sweep = Sweep(self.cache, self.mlflow, served, self.departed.append)

    async def run(self, job: str, **tags: str) -> str:
        """Have a run of a job; return its ID."""
        known = {
            UID_TAG: f"uid-{job}",
            INSTALLATION_TAG: OURS,
            "alidade.dev/job": job,
            "alidade.dev/namespace": NAMESPACE,
            "alidade.dev/experiment": "mnist",
        }
        return await self.mlflow.ensure_run("7", job, {**known, **tags}, search=False)

    async def sweep(self) -> list[str]:
        """Look through the runs; return the names of the jobs that are gone."""
        await asyncio.wait_for(self._sweep.run(), 1000)
        return [job.metadata.name for job in self.departed]


@in_virtual_time
async def test_a_run_whose_job_went_while_no_operator_ran_is_seen_off() -> None:
    lab = Scene()
    run_id = await lab.run("gone")
    assert await lab.sweep() == ["gone"]
    (departed,) = lab.departed
    assert departed.key == (NAMESPACE, "gone")
    assert departed.metadata.uid == "uid-gone"
    assert departed.status.mlflow_run_id == run_id


@in_virtual_time
async def test_runs_that_have_ended_or_are_anothers_are_let_be() -> None:
    lab = Scene()
    await lab.run("stays")
    await lab.run("foreign", **{INSTALLATION_TAG: "uid-of-another-cluster"})
    await lab.mlflow.end_run(await lab.run("ended"), "FINISHED", {})
    assert await lab.sweep() == []


@in_virtual_time
async def test_what_the_operator_saw_go_is_not_seen_off_twice() -> None:
    lab = Scene()
    await lab.run("stays")
    lab.cache.drop(JOBS, NAMESPACE, "stays", "uid-stays")
    assert await lab.sweep() == []


@pytest.mark.parametrize(
    ("served", "gone"), [((), ["a", "b"]), (("team-a",), ["a"]), (("team-c",), [])]
)
@in_virtual_time
async def test_nothing_is_known_of_jobs_in_namespaces_that_are_not_served(
    served: tuple[str, ...], gone: list[str]
) -> None:
    lab = Scene(*served)
    for name in "ab":
        await lab.run(name, **{"alidade.dev/namespace": f"team-{name}"})
    assert await lab.sweep() == gone


@in_virtual_time
async def test_mlflow_is_asked_until_it_answers() -> None:
    lab = Scene()
    await lab.run("gone")
    lab.mlflow.failures = 2
    assert await lab.sweep() == ["gone"]


@in_virtual_time
async def test_an_operator_that_is_installed_nowhere_has_no_runs_of_its_own() -> None:
    lab = Scene()
    lab.cache.installation = ""
    await lab.run("gone", **{INSTALLATION_TAG: ""})
    assert await lab.sweep() == []
