"""Independent jobs beside bare batch/v1 Jobs: wall time, processor time, requests.

Tracking is off. Both are submitted by the same client, as many at a time, with the pods and labels
that the operator gives its own, in alternate order; nobody but controllers acts on the bare ones.
"""

import statistics
import time
from dataclasses import dataclass, field

from alidade_operator.kube.gateway import BATCH_JOBS, JOBS, Body
from benchmarks.jobs import bare_job, new_namespace, one_of, prepare
from benchmarks.quiet import until_quiet
from benchmarks.table import Figure, each, with_spread
from benchmarks.user import User, has_ended, is_complete
from benchmarks.world import World, of_operator
from tests.support.audit import Key, counted
from tests.support.manifests import job

ROUNDS = 3


@dataclass
class Found:
    """What rounds of one kind have taken.

    Attributes:
        wall: Seconds from the first submission to when the last end was seen, by round.
        processor: Seconds of the processors by process, of all rounds.
        requests: Of the operator or, without one, of the controller of jobs, of all rounds.
    """

    wall: list[float] = field(default_factory=list)
    processor: dict[str, float] = field(default_factory=dict)
    requests: dict[Key, int] = field(default_factory=dict)

    def add(self, before: dict[str, float], after: dict[str, float]) -> None:
        """Add what a round has had of the processors."""
        for name, seconds in after.items():
            spent = seconds - before.get(name, 0.0)
            self.processor[name] = self.processor.get(name, 0.0) + spent

    def count(self, requests: dict[Key, int]) -> None:
        """Add what was asked in a round."""
        for key, number in requests.items():
            self.requests[key] = self.requests.get(key, 0) + number


async def ours(world: World, user: User, count: int, found: Found) -> Body:
    """Let so many jobs run; return one of their batch/v1 Jobs."""
    namespace = await prepare(user)
    with world.operator() as operator:
        await until_quiet(world)
        mark, before = world.audit.mark(), world.processor_seconds(operator)
        begun = time.monotonic()
        await user.create(JOBS, namespace, (job(f"job-{i}") for i in range(count)))
        ended = await user.until(JOBS, namespace, count, has_ended)
        found.wall.append(ended - begun)
        await until_quiet(world)
        found.add(before, world.processor_seconds(operator))
    found.count(counted(world.audit.since(mark), of_operator(namespace)))
    return await one_of(user, namespace, "job-0")


async def bare(world: World, user: User, count: int, like: Body, found: Found) -> None:
    """Let so many bare Jobs run, which are made as one is."""
    namespace = await new_namespace(user)
    before = world.processor_seconds()
    begun = time.monotonic()
    await user.create(BATCH_JOBS, namespace, (bare_job(like, f"job-{i}") for i in range(count)))
    ended = await user.until(BATCH_JOBS, namespace, count, is_complete)
    found.wall.append(ended - begun)
    found.add(before, world.processor_seconds())


async def measure(world: World, count: int, rounds: int = ROUNDS) -> list[Figure]:
    """Measure rounds of so many jobs."""
    here, there = Found(), Found()
    async with world.user() as user:
        # The first of all pays for what is not there yet, such as caches of the API server.
        like = await ours(world, user, 20, Found())
        for number in range(rounds):
            turns = [ours(world, user, count, here), bare(world, user, count, like, there)]
            for turn in turns if number % 2 == 0 else reversed(turns):
                await turn
    return list(_figures(here, there, count, rounds))


def _figures(here: Found, there: Found, count: int, rounds: int) -> tuple[Figure, ...]:
    jobs = count * rounds
    ratio = statistics.median(here.wall) / statistics.median(there.wall)
    writes = sum(n for (_, what), n in here.requests.items() if what == "jobs.alidade.dev/status")
    events = here.requests.get(("create", "events.events.k8s.io"), 0)
    lists = sum(n for (verb, _), n in here.requests.items() if verb == "list")
    own = here.processor.pop("operator")
    return (
        Figure(
            f"{count} independent jobs, {rounds} rounds",
            with_spread(here.wall),
            with_spread(there.wall),
            ratio,
        ),
        Figure(
            "processor time of the operator a job",
            f"{1000 * own / jobs:.1f} ms",
            details={f"{n}, ms a job": _both(here, there, n, jobs) for n in here.processor},
        ),
        Figure("status writes a job", f"{writes / jobs:.2f}"),
        Figure("events a job", f"{events / jobs:.2f}"),
        Figure(
            "requests of the operator a job",
            f"{sum(here.requests.values()) / jobs:.2f}, LISTs among them {lists}",
            details=each(here.requests, jobs),
        ),
    )


def _both(here: Found, there: Found, name: str, jobs: int) -> str:
    ours_, theirs = (1000 * found.processor[name] / jobs for found in (here, there))
    return f"{ours_:.1f}, with bare Jobs {theirs:.1f}"
