"""Scenarios, drawn by chance: the same ones for the same seed."""

from typing import get_args

from hypothesis import strategies as st

from alidade_core.api.job import Dependency, DependencyCondition, OnUnsatisfied
from tests.support.simulation.cluster import INTERRUPTED, Fate
from tests.support.simulation.scenario import Deed, Scenario, Task, What
from tests.support.simulation.user import EXPERIMENT
from tests.support.simulation.words import TYPED

QUEUE_NAMES = ("cpu", "gpu")
MISSING = "missing"
MLFLOW = "mlflow"
DEEDS: dict[What, tuple[str, ...]] = {
    "hold": QUEUE_NAMES,
    "drain": QUEUE_NAMES,
    "widen": QUEUE_NAMES,
    "move": (EXPERIMENT,),
    "withdraw": (EXPERIMENT, *QUEUE_NAMES),
    "empty": (MLFLOW,),
    "restore": (MLFLOW,),
    "outage": (MLFLOW,),
}
DEEDS_TO_JOBS: tuple[What, ...] = tuple(what for what in get_args(What) if what not in DEEDS)
# So that graphs get somewhere, what is usual comes more often than it would.
FATES = (*Fate, Fate.WELL, Fate.WELL)
LAST_FATES = [fate for fate in (*FATES, Fate.WELL) if fate not in INTERRUPTED]
CONDITIONS = (*DependencyCondition, DependencyCondition.COMPLETE, DependencyCondition.COMPLETE)


@st.composite
def dependencies(draw: st.DrawFn, names: list[str]) -> tuple[Dependency, ...]:
    drawn = draw(st.lists(st.sampled_from(names), unique=True, max_size=3)) if names else []
    return tuple(
        Dependency(
            name=name,
            condition=draw(st.sampled_from(CONDITIONS)),
            on_unsatisfied=draw(st.sampled_from(OnUnsatisfied)),
        )
        for name in drawn
    )


def up_to_the_good_end(fates: tuple[Fate, ...]) -> tuple[Fate, ...]:
    """Return the fates up to the first good one: replicas do not all need the same attempts."""
    return fates[: fates.index(Fate.WELL) + 1] if Fate.WELL in fates else fates


@st.composite
def tasks(draw: st.DrawFn, *, tangled: bool, expire: bool) -> tuple[Task, ...]:
    """Draw jobs that depend on earlier ones; tangled, on any, and on some that do not exist."""
    names = draw(st.permutations("abcdefgh"))[: draw(st.integers(2, 8))]
    homeless = draw(st.sampled_from([*names, *[None] * len(names)]))
    drawn = []
    for number, name in enumerate(names):
        others = [*names[:number], *names[number + 1 :], MISSING] if tangled else names[:number]
        depends_on = draw(dependencies(list(others)))
        spec = {
            "backoffLimit": draw(st.integers(0, 2)),
            "replicas": draw(st.sampled_from([1, 1, 2, 3])),
            "priority": draw(st.integers(-1, 1)),
            "queue": draw(st.sampled_from([None, *QUEUE_NAMES])),
            "ttlSecondsAfterFinished": draw(st.sampled_from([None, 0, 10])) if expire else None,
        }
        # Of several replicas some run while another is rejected: who ran cannot be foretold.
        possible = FATES if spec["replicas"] == 1 else [f for f in FATES if f is not Fate.REJECTED]
        fates = draw(st.lists(st.sampled_from(possible), max_size=2))
        drawn.append(
            Task(
                name,
                depends_on,
                fates=up_to_the_good_end((*fates, draw(st.sampled_from(LAST_FATES)))),
                takes=draw(st.sampled_from([*(d.name for d in depends_on), None])),
                typed=draw(st.sampled_from([None, None, *TYPED])),
                spec=spec,
                # Two would let each other in for ever.
                homeless=name == homeless,
            )
        )
    return tuple(drawn)


@st.composite
def deeds(draw: st.DrawFn, names: list[str]) -> Deed:
    what = draw(st.sampled_from([*DEEDS, *DEEDS_TO_JOBS]))
    name = draw(st.sampled_from(DEEDS.get(what, tuple(names))))
    return Deed(what, name, at=draw(st.floats(0, 120)), seconds=draw(st.floats(0, 120)))


@st.composite
def restores(draw: st.DrawFn) -> tuple[float, float] | None:
    if draw(st.integers(0, 4)):
        return None
    return (draw(st.floats(0, 120)), draw(st.floats(0, 120)))


@st.composite
def pauses(draw: st.DrawFn) -> tuple[tuple[float, float], ...]:
    if draw(st.integers(0, 4)):
        return ()
    pause = st.tuples(st.floats(0, 200), st.floats(1, 60))
    return tuple(draw(st.lists(pause, min_size=1, max_size=2)))


@st.composite
def clocks(draw: st.DrawFn) -> tuple[float, tuple[float, ...]]:
    """Draw how far the clocks of API server and nodes are ahead: by a second, or by four hours."""
    if draw(st.integers(0, 2)):
        return 0.0, (0.0,)
    apart = st.builds(
        lambda sign, power: sign * 10.0**power, st.sampled_from([0, 1, -1]), st.floats(0, 4.2)
    )
    return draw(apart), tuple(draw(st.lists(apart, min_size=1, max_size=3)))


@st.composite
def scenarios(draw: st.DrawFn, *, meddling: bool = False) -> Scenario:
    tangled = draw(st.booleans())
    expire = not meddling and draw(st.booleans())
    jobs = draw(tasks(tangled=tangled, expire=expire))
    names = [task.name for task in jobs]
    drained = any(Fate.DRAINED in task.fates for task in jobs)
    order = draw(st.permutations([*names, EXPERIMENT, *QUEUE_NAMES]))
    ahead, nodes_ahead = draw(clocks())
    if expire:
        # One that is created when a job it depends on has expired already waits in vain.
        order = [*(name for name in order if name not in QUEUE_NAMES), *QUEUE_NAMES]
    # That a pod was drained is told by events, which a backup may not have.
    restore = None if meddling or drained else draw(restores())
    return Scenario(
        tasks=jobs,
        order=tuple(order),
        limits={name: draw(st.sampled_from([None, 1, 2])) for name in QUEUE_NAMES},
        kueue=frozenset(draw(st.sets(st.sampled_from(QUEUE_NAMES)))),
        # One that no node takes would keep its room for ever.
        most_batch_jobs=None
        if any(task.homeless for task in jobs)
        else draw(st.sampled_from([None, None, 1, 2])),
        crowded=frozenset(draw(st.sets(st.sampled_from(QUEUE_NAMES)))),
        nodes_after=draw(st.dictionaries(st.sampled_from(names), st.floats(60, 900), max_size=2)),
        odd=draw(st.booleans()),
        placement_timeout=draw(st.sampled_from([10, 60])),
        deeds=tuple(draw(st.lists(deeds(names), min_size=1, max_size=5))) if meddling else (),
        deaths=frozenset(draw(st.sets(st.integers(1, 120), max_size=4))),
        seed=draw(st.integers(0, 2**32)),
        mishaps=draw(st.sampled_from([0.0, 0.05, 0.2])),
        workers=draw(st.integers(1, 7)),
        tracking=draw(st.sampled_from(["MLflow", "None"])),
        restore=restore,
        ahead=ahead,
        nodes_ahead=nodes_ahead,
        # What is restored does not end any more.
        ends=draw(st.floats(0, 200)) if restore is None and not draw(st.integers(0, 3)) else None,
        pauses=draw(pauses()),
    )
