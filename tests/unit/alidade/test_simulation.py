"""The operator in a simulated world: whatever the order of things, every job comes to its end."""

from collections import Counter
from collections.abc import Collection

from hypothesis import given, settings
from hypothesis import strategies as st

from alidade.api.experiment import Experiment
from alidade.api.job import Dependency, DependencyCondition, Job, JobState, OnUnsatisfied
from alidade.api.queue import Queue
from alidade.domain.mlflow_run import RUN_ENDS
from alidade.kube.gateway import BATCH_JOBS, EXPERIMENTS, JOBS, PODS, QUEUES
from tests.support.simulated_cluster import Fate, ended
from tests.support.simulation import (
    Deed,
    Outcome,
    Scenario,
    Task,
    World,
    foretell,
    foretell_all,
    simulate,
)

LAST = [fate for fate in Fate if fate is not Fate.EVICTED]
QUEUE_NAMES = ("cpu", "gpu")


@st.composite
def dependencies(draw: st.DrawFn, earlier: list[str]) -> tuple[Dependency, ...]:
    names = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []
    return tuple(
        Dependency(
            name=name,
            condition=draw(st.sampled_from(DependencyCondition)),
            on_unsatisfied=draw(st.sampled_from(OnUnsatisfied)),
        )
        for name in names
    )


@st.composite
def tasks(draw: st.DrawFn, *, expire: bool) -> tuple[Task, ...]:
    """Draw jobs of which each depends on earlier ones only."""
    names = draw(st.permutations("abcdefgh"))[: draw(st.integers(1, 8))]
    drawn: list[Task] = []
    for number, name in enumerate(names):
        depends_on = draw(dependencies(list(names[:number])))
        spec = {
            "backoffLimit": draw(st.integers(0, 2)),
            "priority": draw(st.integers(-1, 1)),
            "queue": draw(st.sampled_from(QUEUE_NAMES)),
        }
        if expire and draw(st.booleans()):
            spec["ttlSecondsAfterFinished"] = draw(st.sampled_from([0, 60]))
        drawn.append(
            Task(
                name,
                depends_on,
                fates=(
                    *draw(st.lists(st.sampled_from(Fate), max_size=2)),
                    draw(st.sampled_from(LAST)),
                ),
                takes=draw(st.sampled_from([None, *(d.name for d in depends_on)])),
                spec=spec,
            )
        )
    return tuple(drawn)


@st.composite
def scenarios(draw: st.DrawFn, *, deeds: tuple[str, ...] = ()) -> Scenario:
    expire = not deeds and draw(st.booleans())
    jobs = draw(tasks(expire=expire))
    names = [task.name for task in jobs]
    order = draw(st.permutations([*names, "experiment", *QUEUE_NAMES]))
    if expire:
        # A job created after one that it depends on has expired waits for it in vain.
        order = [*(name for name in order if name not in QUEUE_NAMES), *QUEUE_NAMES]
    times = st.floats(0, 120)
    deed = st.builds(
        lambda what, name, queue, at, wait: Deed(
            what, queue if what in ("hold", "drain") else name, at, at + wait
        ),
        st.sampled_from(deeds or ("hold",)),
        st.sampled_from(names),
        st.sampled_from(QUEUE_NAMES),
        times,
        times,
    )
    return Scenario(
        tasks=jobs,
        order=tuple(order),
        limits={name: draw(st.sampled_from([None, 1, 2])) for name in QUEUE_NAMES},
        deeds=tuple(draw(st.lists(deed, min_size=1, max_size=4))) if deeds else (),
        deaths=frozenset(draw(st.sets(st.integers(1, 120), max_size=4))),
        seed=draw(st.integers(0, 2**32)),
        mishaps=draw(st.sampled_from([0.0, 0.05, 0.2])),
        workers=draw(st.integers(1, 4)),
        tracking=draw(st.sampled_from(["MLflow", "None"])),
    )


def outcome(job: Job) -> Outcome:
    return Outcome(job.status.state, ran=job.status.start_time is not None)


def check_leftovers(world: World) -> None:
    """Nothing is left that should not be, and the sums are right."""
    there = {body["metadata"]["name"] for body in world.server.all(JOBS)}
    open_ = {name for name in there if not world.jobs[name].status.ended}
    for name, job in world.jobs.items():
        expires = job.status.ended and job.spec.ttl_seconds_after_finished is not None
        assert not (expires and name in there)
    for batch in world.server.all(BATCH_JOBS):
        assert batch["metadata"]["name"] in there
        assert ended(batch) or batch["metadata"]["name"] in open_
    for pod in world.server.all(PODS):
        assert pod["status"]["phase"] in ("Succeeded", "Failed")
    (experiment,) = map(Experiment.model_validate, world.server.all(EXPERIMENTS))
    counted = experiment.status.jobs.model_dump()
    states = Counter(str(world.jobs[name].status.state).lower() for name in there)
    assert {state: n for state, n in counted.items() if n} == states
    for queue in map(Queue.model_validate, world.server.all(QUEUES)):
        assert (queue.status.running, queue.status.queued) == (0, 0)


def check_runs(world: World, deleted: Collection[str] = ()) -> None:
    """Each job that was released has exactly one run, and each run ended as its job did."""
    runs = world.mlflow
    per_job = Counter(runs.owners.values())
    for name, job in world.jobs.items():
        tracked = world.scenario.tracking == "MLflow"
        assert per_job[job.metadata.uid] <= 1
        assert per_job[job.metadata.uid] == 1 or not (tracked and name in world.released)
    names = {job.metadata.uid: name for name, job in world.jobs.items()}
    for run_id, owner in runs.owners.items():
        status = world.jobs[names[owner]].status
        if names[owner] in deleted:
            assert world.scenario.deaths or runs.runs[run_id] in (
                "KILLED",
                RUN_ENDS.get(status.state),
            )
        else:
            assert runs.runs[run_id] == RUN_ENDS[status.state]
            assert status.mlflow_run_id == run_id


def check_foretold(scenario: Scenario) -> None:
    world = simulate(scenario)
    assert {name: outcome(job) for name, job in world.jobs.items()} == foretell_all(scenario.tasks)
    check_leftovers(world)
    check_runs(world)


def check_meddled(scenario: Scenario) -> None:
    world = simulate(scenario)
    outcomes = {name: outcome(job) for name, job in world.jobs.items()}
    cancelled = {deed.name for deed in scenario.deeds if deed.what == "cancel"}
    deleted = {task.name for task in scenario.tasks if not world.server.find(JOBS, task.name)}
    assert deleted <= {deed.name for deed in scenario.deeds if deed.what == "delete"}
    for task in scenario.tasks:
        if task.name in deleted:
            continue
        if outcomes[task.name].state is JobState.CANCELLED:
            assert task.name in cancelled
        elif deleted.isdisjoint(d.name for d in task.depends_on):
            assert outcomes[task.name] == foretell(task, outcomes)
    check_leftovers(world)
    check_runs(world, deleted)


@settings(max_examples=300)
@given(scenarios())
def test_every_job_ends_as_its_graph_and_its_pods_fates_foretell(scenario: Scenario) -> None:
    check_foretold(scenario)
