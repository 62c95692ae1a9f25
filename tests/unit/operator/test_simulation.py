"""The operator in a simulated world: whatever the order of things, every job comes to its end."""

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings

from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job
from alidade_core.api.job_status import ENDS, JobState
from alidade_core.api.queue import Queue
from alidade_operator.decide.finish.run_end import RUN_ENDS
from alidade_operator.kube.gateway import BATCH_JOBS, EXPERIMENTS, JOBS, NAMESPACES, PODS, QUEUES
from alidade_operator.objects.well_known import JOB_LABEL, RUN_ID, WORKER
from alidade_operator.tracking.runs import SURPLUS_TAG
from tests.support.simulation import simulate
from tests.support.simulation.api_server import NAMESPACED
from tests.support.simulation.cluster import Fate, owner_by_pods
from tests.support.simulation.drawing import scenarios
from tests.support.simulation.job_steps import ended
from tests.support.simulation.pods import over
from tests.support.simulation.scenario import WAITS, Outcome, Scenario, foretell, foretell_all
from tests.support.simulation.tracking_server import STRANGERS_TAGS
from tests.support.simulation.world import ENDING, World

WAITING_REASONS = ("Cycle", "NotFound", "Pending")


def outcomes(world: World) -> dict[str, Outcome]:
    return {
        name: Outcome(job.status.state, ran=job.status.start_time is not None)
        for name, job in world.jobs.items()
    }


def gone(world: World) -> set[str]:
    """Return the names of jobs that do not exist any more."""
    return {name for name in world.jobs if world.server.find(JOBS, name) is None}


def check_reasons(world: World) -> None:
    """What waits for ever says for what."""
    for name in world.jobs.keys() - gone(world):
        status = world.jobs[name].status
        if status.state is JobState.WAITING:
            assert (status.reason or "").removeprefix("Dependency") in WAITING_REASONS


def check_flavors(world: World) -> None:
    """What ran in a queue of flavors ran in the one that had a node."""
    several = world.scenario.crowded - world.scenario.kueue
    for job in world.jobs.values():
        if job.status.start_time and job.status.queue in several:
            assert job.status.flavor == "roomy"


def check_nothing_runs_on(world: World) -> None:
    there = world.jobs.keys() - gone(world)
    for batch in world.server.all(BATCH_JOBS):
        name = batch["metadata"]["name"]
        assert name in there
        assert owner_by_pods(batch) == world.jobs[name].metadata.uid
        assert ended(batch) or not world.jobs[name].status.ended
    for pod in world.server.all(PODS):
        assert over(pod) or world.tasks[pod["metadata"]["labels"][JOB_LABEL]].homeless


def check_attempts(world: World) -> None:
    """What has ended tells of each attempt how that ended."""
    for name in world.jobs.keys() - gone(world):
        status = world.jobs[name].status
        if status.ended:
            assert all(attempt.reason for attempt in status.attempts)


def check_sums(world: World) -> None:
    """Experiment and queues count what there is."""
    (experiment,) = map(Experiment.model_validate, world.server.all(EXPERIMENTS))
    counted = experiment.status.jobs.model_dump()
    states = Counter(
        str(world.jobs[n].status.state).lower() for n in world.jobs.keys() - gone(world)
    )
    assert {state: count for state, count in counted.items() if count} == states
    for queue in map(Queue.model_validate, world.server.all(QUEUES)):
        there = homeless_in(world, queue.metadata.name)
        assert (queue.status.running, queue.status.queued) == (len(there), 0)


def check_run(world: World, job: Job) -> None:
    """A job that was released has one right run that ended as the job did, or was lost."""
    mlflow, uid, status = world.mlflow, job.metadata.uid, job.status
    runs = [run for run in mlflow.runs if mlflow.owners[run] == uid]
    right = [run for run in runs if SURPLUS_TAG not in mlflow.tags[run]]
    assert all(mlflow.runs[run] == "KILLED" for run in runs if run not in right)
    if status.mlflow_run_id is None:
        assert uid not in world.released or world.scenario.tracking == "None"
    else:
        assert mlflow.owners[status.mlflow_run_id] == uid
        assert right == [status.mlflow_run_id] or was_lost(world, job)
    if right and status.ended and status.state:
        assert [mlflow.runs[run] for run in right] == [RUN_ENDS[status.state]]


def was_lost(world: World, job: Job) -> bool:
    """Whether a run is gone, which its job knows if it went before the job had settled it.

    One that no node takes has yet to find that out: its worker will, when it begins.
    """
    told = job.status.condition("Tracked")
    assert told
    went = any(deed.what in ("empty", "restore") for deed in world.scenario.deeds)
    stands_by = job.status.state is JobState.QUEUED
    return went and (told.reason == "RunGone" or job.status.tracked or stands_by)


def check_strangers(world: World) -> None:
    """Nothing was written to what is somebody else's in MLflow."""
    mlflow = world.mlflow
    for run_id in mlflow.strangers & mlflow.runs.keys():
        assert (mlflow.runs[run_id], mlflow.tags[run_id]) == ("RUNNING", STRANGERS_TAGS)
        where = mlflow.within[run_id]
        assert {run for run, other in mlflow.within.items() if other == where} == {run_id}
        assert mlflow.experiments[where].tags == {}


def check_runs_of_the_gone(world: World) -> None:
    """No run stays open whose job is gone."""
    there = {world.jobs[name].metadata.uid for name in world.jobs.keys() - gone(world)}
    for run_id, owner in world.mlflow.owners.items():
        left = world.mlflow.runs.get(run_id, "KILLED")
        assert owner in there or left in RUN_ENDS.values() or not owner


def check_ended(world: World) -> None:
    """Of a namespace that was deleted nothing is left."""
    assert [body for kind in NAMESPACED for body in world.server.all(kind, ENDING)] == []
    assert world.server.find(NAMESPACES, ENDING, ENDING) is None


def check_logs(world: World) -> None:
    """What pods said is where their run is, and the job says so."""
    for pod in world.server.all(PODS):
        meta = pod["metadata"]
        run_id, job = meta["annotations"][RUN_ID], world.jobs[meta["labels"][JOB_LABEL]]
        if run_id and over(pod) and "containerStatuses" in pod["status"]:
            said = world.server.read_log(meta["name"], WORKER)
            archived = world.mlflow.logs[run_id][f"logs/{meta['name']}/worker.log"]
            # What said nothing, or began nowhere, has at most a message to show.
            assert archived == said or not said
            kept = job.status.is_true("LogsArchived") or job.status.state is JobState.FAILED
            # A pod that is stopped may be gone before its log is read.
            name = job.metadata.name
            drained = Fate.DRAINED in world.tasks[name].fates
            assert kept or drained or job.metadata.uid in world.cluster.preempted


def homeless_in(world: World, queue: str) -> list[Job]:
    """Return the jobs that stand by in a queue as no node takes a pod of them."""
    return [
        job
        for name in world.jobs.keys() - gone(world)
        if (job := world.jobs[name]).status.queue == queue and job.status.state is JobState.QUEUED
    ]


def check_homeless(world: World) -> None:
    """What no node takes says so, and when it has given its place back, that it asks again."""
    for name in world.jobs.keys() - gone(world):
        status = world.jobs[name].status
        if status.state is JobState.QUEUED:
            assert world.tasks[name].homeless
            assert status.is_true("PodBlocked")
            assert status.reason == "Unschedulable"


def check_foretold(scenario: Scenario) -> None:
    world = simulate(scenario)
    found = outcomes(world)
    misled = {n: found[n] for n in world.misled if found[n].state is JobState.CANCELLED}
    assert found == foretell_all(scenario.tasks, misled)
    expiring = {t.name for t in scenario.tasks if t.spec["ttlSecondsAfterFinished"] is not None}
    assert gone(world) == {name for name in expiring if world.jobs[name].status.ended}
    check_reasons(world)
    check_homeless(world)
    check_flavors(world)
    check_nothing_runs_on(world)
    check_attempts(world)
    check_sums(world)
    check_logs(world)
    check_ended(world)
    check_runs_of_the_gone(world)
    for job in world.jobs.values():
        check_run(world, job)


def check_meddled(scenario: Scenario) -> None:
    world = simulate(scenario)
    cancelled = {deed.name for deed in scenario.deeds if deed.what == "cancel"}
    deleted = {deed.name for deed in scenario.deeds if deed.what == "delete"}
    redone = {deed.name for deed in scenario.deeds if deed.what == "redo"}
    snatched = {deed.name for deed in scenario.deeds if deed.what == "snatch"}
    unsure = redone | world.falsified
    found = outcomes(world)
    assert gone(world) <= deleted
    for task in scenario.tasks:
        expected = foretell(task, found)
        if task.name in gone(world):
            continue
        if world.jobs[task.name].status.reason == "BackingJobDeleted":
            assert task.name in snatched
        elif found[task.name].state is JobState.CANCELLED:
            assert task.name in cancelled
        elif unsure & {d.name for d in task.depends_on}:
            # What was known of the one before counts where it was known.
            assert found[task.name].state in (*ENDS, JobState.WAITING, expected.state)
        elif gone(world).isdisjoint(d.name for d in task.depends_on):
            # Whether a pod of it ran, one without its status may not know any more.
            ran = found[task.name].ran if task.name in world.falsified else expected.ran
            assert found[task.name] == replace(expected, ran=ran)
        else:
            # It depends on whether the other was deleted before or after the job took note.
            assert found[task.name] in (expected, WAITS)
    check_reasons(world)
    check_homeless(world)
    check_nothing_runs_on(world)
    check_attempts(world)
    check_sums(world)
    check_ended(world)
    check_runs_of_the_gone(world)
    check_strangers(world)
    for name in world.jobs.keys() - gone(world):
        check_run(world, world.jobs[name])


@settings(max_examples=60, derandomize=True)
@given(scenarios())
def test_every_job_comes_to_the_end_that_its_graph_and_its_pods_fates_foretell(
    scenario: Scenario,
) -> None:
    check_foretold(scenario)


@settings(max_examples=60, derandomize=True)
@given(scenarios(meddling=True))
def test_whatever_the_user_does_the_rest_goes_on(scenario: Scenario) -> None:
    check_meddled(scenario)
