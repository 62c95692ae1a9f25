import asyncio

import pytest

from alidade_core.api.base import Condition
from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState, JobStatus
from alidade_operator.act.sweep import SWEEP_SECONDS, Sweep
from alidade_operator.decide.run_owner import INSTALLATION_TAG, UID_TAG
from alidade_operator.index.cache import Cache
from alidade_operator.kube.gateway import JOBS
from alidade_operator.tracking.runs import SURPLUS_TAG
from alidade_operator.tracking.tracking import TrackingError
from tests.support.builders import NAMESPACE, NOW, job_body
from tests.support.reconciling import CERTAIN, Faltering
from tests.support.virtual_time import in_virtual_time

OURS = "uid-alidade"
LATER = {"resourceVersion": "1000000"}


class Scene:
    """An operator that has just learned of a cluster with one job, and an MLflow server."""

    def __init__(self, *served: str) -> None:
        self.mlflow = Faltering(CERTAIN)
        self.cache = Cache(lambda key: None)
        self.cache.installation = OURS
        self.cache.put(JOBS, job_body("stays"))
        self.departed: list[Job] = []
        self.ended_again: list[str] = []
        self.leaving: set[str] = set()
        self._sweep = Sweep(
            self.cache,
            self.mlflow,
            served,
            known=lambda: {*self.leaving, *(j.metadata.uid for j in self.cache.jobs.values())},
            depart=self.departed.append,
            end_again=lambda job: self.ended_again.append(job.metadata.name),
        )

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
        work = asyncio.create_task(self._sweep.run())
        await asyncio.sleep(SWEEP_SECONDS - 1)
        work.cancel()
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
    await lab.mlflow.end_run(await lab.run("ended"), "uid-ended", "FINISHED", {}, {})
    assert await lab.sweep() == []


@in_virtual_time
async def test_a_second_run_that_mlflow_makes_when_its_job_is_gone_is_ended_as_that() -> None:
    lab = Scene()
    right, late = await lab.run("gone"), await lab.run("gone")
    await lab.mlflow.end_run(right, "uid-gone", "FINISHED", {}, {})
    assert await lab.sweep() == []
    assert (lab.mlflow.runs[right], lab.mlflow.runs[late]) == ("FINISHED", "KILLED")
    assert lab.mlflow.tags[late][SURPLUS_TAG] == right


@in_virtual_time
async def test_of_two_runs_that_a_job_has_left_open_the_right_one_ends_as_the_job() -> None:
    lab = Scene()
    right, surplus = await lab.run("gone"), await lab.run("gone")
    assert await lab.sweep() == ["gone"]
    assert lab.departed[0].status.mlflow_run_id == right
    assert (lab.mlflow.runs[right], lab.mlflow.runs[surplus]) == ("SCHEDULED", "KILLED")


@in_virtual_time
async def test_what_the_operator_saw_go_is_not_seen_off_twice() -> None:
    lab = Scene()
    await lab.run("leaving")
    lab.leaving.add("uid-leaving")
    assert await lab.sweep() == []


@in_virtual_time
async def test_a_job_that_goes_while_mlflow_is_asked_is_seen_off_by_who_saw_it() -> None:
    lab = Scene()
    await lab.run("stays")
    work = asyncio.create_task(lab.sweep())
    await asyncio.sleep(0.001)
    lab.cache.drop(JOBS, NAMESPACE, "stays", "uid-stays")
    assert await work == []


@in_virtual_time
async def test_a_run_beside_the_one_that_a_job_has_is_ended() -> None:
    lab = Scene()
    surplus, right = await lab.run("stays"), await lab.run("stays")
    assert await lab.sweep() == []
    assert lab.mlflow.runs[surplus] == "SCHEDULED", "which one is right is not known yet"
    lab.cache.put(JOBS, job_body("stays", status=JobStatus(mlflow_run_id=right), meta=LATER))
    await lab.sweep()
    assert (lab.mlflow.runs[surplus], lab.mlflow.runs[right]) == ("KILLED", "SCHEDULED")
    assert lab.ended_again == []


@in_virtual_time
async def test_a_run_that_has_lost_its_end_is_ended_again() -> None:
    lab = Scene()
    told = Condition(type="Tracked", status="True", reason="RunEnded", last_transition_time=NOW)
    ended = JobStatus(
        state=JobState.FINISHED, mlflow_run_id=await lab.run("stays"), conditions=(told,)
    )
    lab.cache.put(JOBS, job_body("stays", status=ended, meta=LATER))
    assert await lab.sweep() == []
    assert lab.ended_again == ["stays"]


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


@in_virtual_time
async def test_what_is_refused_for_one_run_keeps_no_other_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab = Scene()
    for name in ("odd", "gone"):
        await lab.run(name)
    right_run = lab.mlflow.right_run

    async def refuse(uid: str) -> str | None:
        if uid == "uid-odd":
            raise TrackingError("answers 403: not yours", unreachable=False, status=403)
        return await right_run(uid)

    monkeypatch.setattr(lab.mlflow, "right_run", refuse)
    assert set(await lab.sweep()) == {"gone"}
