"""The dependents of one job beside a client that only lets suspended Jobs run."""

import time

from alidade_operator.kube.gateway import BATCH_JOBS, JOBS
from benchmarks.jobs import HELD, bare_job, let_go, new_namespace, one_of, prepare
from benchmarks.latency import moments
from benchmarks.quiet import until_quiet
from benchmarks.table import Figure, percentiles
from benchmarks.user import User, has_ended, has_started, is_complete
from benchmarks.world import World
from tests.support.manifests import job

HUB = "hub"


async def measure(world: World, count: int) -> list[Figure]:
    """Measure the release of so many dependents."""
    async with world.user() as user:
        ours, namespace = await _ours(world, user, count)
        theirs = await _bare(world, user, namespace, count)
    return [
        Figure(
            f"{count} dependents of one job: from its end to the last one's release",
            f"{max(ours):.1f} s; {percentiles(ours)}",
            f"{max(theirs):.1f} s; {percentiles(theirs)}",
            max(ours) / max(theirs),
        )
    ]


async def _ours(world: World, user: User, count: int) -> tuple[list[float], str]:
    namespace = await prepare(user)
    names = [f"job-{i}" for i in range(count)]
    with world.operator():
        await user.create(JOBS, namespace, [job(HUB, podTemplate=HELD)])
        await user.create(JOBS, namespace, (job(name, HUB) for name in names))
        await user.until(JOBS, namespace, 1, has_started)
        await until_quiet(world)
        mark = world.audit.mark()
        await let_go(user, namespace, [HUB])
        await user.until(JOBS, namespace, count + 1, has_ended)
    found = moments(list(world.audit.since(mark)), namespace)
    return found.between((HUB, name) for name in names), namespace


async def _bare(world: World, user: User, ours: str, count: int) -> list[float]:
    like = await one_of(user, ours, "job-0")
    namespace = await new_namespace(user)
    names = [f"job-{i}" for i in range(count)]
    await user.create(BATCH_JOBS, namespace, (bare_job(like, n, suspend=True) for n in names))
    mark, begun = world.audit.mark(), time.time()
    await user.unsuspend(namespace, names)
    await user.until(BATCH_JOBS, namespace, count, is_complete)
    found = moments(list(world.audit.since(mark)), namespace)
    return [released - begun for released in found.released.values()]
