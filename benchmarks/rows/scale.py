"""Many jobs at once: in random DAGs, and in line at twenty queues. Their course is drawn."""

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from alidade_operator.kube.gateway import JOBS, QUEUES, Body
from benchmarks.course import Course
from benchmarks.jobs import prepare
from benchmarks.latency import Moments, moments
from benchmarks.quiet import until_quiet
from benchmarks.table import Figure, each, percentiles, slope
from benchmarks.user import has_ended
from benchmarks.world import World, of_operator
from tests.support.audit import counted
from tests.support.manifests import job, queue
from tests.support.sources import REPOSITORY

DRAWINGS = REPOSITORY / "build/bench"
DAG = 200
"""Jobs of a DAG; each depends on up to three of those before it."""
MOST_PARENTS = 3
LINES = 20
AT_A_TIME = 10
"""Jobs that a queue lets run."""
SEED = 1
Latencies = Callable[[Moments], Iterable[tuple[str, float]]]
"""Tells of each release whose it was, and how many seconds after what it waited for."""


@dataclass(frozen=True)
class Load:
    """What is to be done.

    Attributes:
        title: What it is.
        file: Name of the drawing.
        queues: Queues that there have to be.
        jobs: What is submitted, in this order.
        latencies: How long releases took.
    """

    title: str
    file: str
    queues: Sequence[Body]
    jobs: Sequence[Body]
    latencies: Latencies


async def dags(world: World, count: int) -> list[Figure]:
    """Measure so many jobs in DAGs."""
    parents = drawn(count, random.Random(SEED))
    bodies = [job(name, *above) for name, above in parents.items()]

    def latencies(found: Moments) -> Iterable[tuple[str, float]]:
        for name, above in parents.items():
            if above and name in found.released:
                last = max(found.ended[parent] for parent in above)
                yield name, found.released[name] - last

    title = f"{count} jobs in {-(-count // DAG)} random DAGs"
    return await _measure(world, Load(title, "dags.png", (), _shuffled(bodies), latencies))


async def lines(world: World, count: int) -> list[Figure]:
    """Measure so many jobs in each of twenty queues."""
    names = [f"queue-{i}" for i in range(LINES)]
    bodies = [job(f"{name}-{i}", queue=name) for i in range(count) for name in names]

    def latencies(found: Moments) -> Iterable[tuple[str, float]]:
        for name in names:
            ended = sorted(t for j, t in found.ended.items() if _line(j) == name)
            released = sorted((t, j) for j, t in found.released.items() if _line(j) == name)
            # Those that were made running at once were the first to take places.
            at_once = len(ended) - len(released)
            places = [0.0] * max(0, AT_A_TIME - at_once) + ended[max(0, at_once - AT_A_TIME) :]
            for place, (moment, whose) in zip(places, released, strict=False):
                if place:
                    yield whose, moment - place

    title = f"{count} jobs in each of {LINES} queues that let {AT_A_TIME} run"
    queues = [queue(name, maxRunning=AT_A_TIME) for name in names]
    return await _measure(world, Load(title, "queues.png", queues, bodies, latencies))


def drawn(count: int, chance: random.Random) -> Mapping[str, list[str]]:
    """Draw DAGs: what each job depends on."""
    parents: dict[str, list[str]] = {}
    for number in range(count):
        here = range(number - number % DAG, number)
        above = chance.sample(here, min(len(here), chance.randint(0, MOST_PARENTS)))
        parents[f"job-{number}"] = [f"job-{i}" for i in above]
    return parents


def _shuffled(bodies: list[Body]) -> list[Body]:
    random.Random(SEED).shuffle(bodies)
    return bodies


def _line(name: str) -> str:
    return name.rpartition("-")[0]


async def _measure(world: World, load: Load) -> list[Figure]:
    course, count = Course(), len(load.jobs)
    async with world.user() as user:
        namespace = await prepare(user)
        await user.create(QUEUES, namespace, load.queues)
        with world.operator() as operator:
            await until_quiet(world)
            mark, before = world.audit.mark(), world.processor_seconds(operator)
            async with course.recorded(operator):
                begun = time.monotonic()
                await user.create(JOBS, namespace, load.jobs)
                submitted = time.monotonic() - begun
                seconds = await user.until(JOBS, namespace, count, has_ended) - begun
                await until_quiet(world)
            after = world.processor_seconds(operator)
            resident = world.plane.resident_bytes()
    seen = list(world.audit.since(mark))
    wanted = of_operator(namespace)
    found = moments(seen, namespace)
    latencies = list(load.latencies(found))
    course.requests = [r.ended for r in seen if wanted(r) and r.verb != "watch"]
    course.releases = [(found.released[name], seconds) for name, seconds in latencies]
    course.ended = list(found.ended.values())
    course.draw(load.title, DRAWINGS / load.file)
    asked = counted(seen, wanted)
    return [
        Figure(
            load.title,
            f"{seconds:.0f} s, {count / seconds:.1f} jobs a second; submitted in {submitted:.0f} s",
            details={
                "release latency": percentiles(value for _, value in latencies),
                "resident at the end, MB": round(course.resident[-1] / 1e6),
                "resident at most, MB": round(max(course.resident) / 1e6),
                "etcd's database, MB": round(world.plane.stored_bytes() / 1e6),
                **{f"{name}, resident MB": round(n / 1e6) for name, n in resident.items()},
                "requests a job": round(asked.total() / count, 2),
                **each(asked, count),
                **{
                    f"{name}, ms a job": round(
                        1000 * (after[name] - before.get(name, 0)) / count, 1
                    )
                    for name in after
                },
                "a release later by, s for each 1,000 ended": _growth(course),
            },
        )
    ]


def _growth(course: Course) -> float:
    """Return by how much releases take longer as ever more jobs have ended."""
    ended = sorted(course.ended)
    releases = sorted(course.releases)
    points: list[tuple[float, float]] = []
    number = 0
    for moment, seconds in releases:
        while number < len(ended) and ended[number] <= moment:
            number += 1
        points.append((number / 1000, seconds))
    return round(slope(points), 4)
