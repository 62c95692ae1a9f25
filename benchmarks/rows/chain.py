"""A chain of jobs beside one of bare Jobs, each let run by a client that does nothing else."""

import asyncio
import itertools

from alidade_operator.kube.gateway import BATCH_JOBS, JOBS
from benchmarks.jobs import HELD, bare_job, let_go, new_namespace, one_of, prepare
from benchmarks.latency import moments
from benchmarks.quiet import until_quiet
from benchmarks.table import Figure, percentiles
from benchmarks.user import User, has_ended, has_started, is_complete
from benchmarks.world import World
from tests.support.manifests import job

LENGTH = 200


async def measure(world: World, length: int = LENGTH) -> list[Figure]:
    """Measure from each parent's end to its child's release."""
    async with world.user() as user:
        ours, namespace = await _ours(world, user, length)
        theirs = await _bare(world, user, namespace, length)
    half = len(ours) // 2
    return [
        Figure(
            f"a chain of {length}: from a job's end to the next one's release",
            percentiles(ours),
            percentiles(theirs),
            sorted(ours)[half] / sorted(theirs)[half],
        )
    ]


def _names(length: int) -> list[str]:
    return [f"job-{i}" for i in range(length)]


async def _ours(world: World, user: User, length: int) -> tuple[list[float], str]:
    namespace, names = await prepare(user), _names(length)
    links = list(itertools.pairwise(names))
    with world.operator():
        await user.create(JOBS, namespace, [job(names[0], podTemplate=HELD)])
        await user.create(JOBS, namespace, (job(child, parent) for parent, child in links))
        await user.until(JOBS, namespace, 1, has_started)
        await until_quiet(world)
        mark = world.audit.mark()
        await let_go(user, namespace, names[:1])
        await user.until(JOBS, namespace, length, has_ended)
    found = moments(list(world.audit.since(mark)), namespace)
    return found.between(links), namespace


async def _bare(world: World, user: User, ours: str, length: int) -> list[float]:
    like = await one_of(user, ours, "job-1")
    namespace, names = await new_namespace(user), _names(length)
    links = list(itertools.pairwise(names))
    await user.create(BATCH_JOBS, namespace, (bare_job(like, n, suspend=True) for n in names))
    # The list that its watch begins with is no part of the time.
    mark = world.audit.mark()
    follower = asyncio.create_task(_follow(user, namespace, dict(links)))
    await asyncio.sleep(1)
    await user.unsuspend(namespace, names[:1])
    await follower
    found = moments(list(world.audit.since(mark)), namespace)
    return found.between(links)


async def _follow(user: User, namespace: str, after: dict[str, str]) -> None:
    async for body in user.versions(BATCH_JOBS, namespace):
        if is_complete(body) and (child := after.pop(body["metadata"]["name"], None)):
            await user.unsuspend(namespace, [child])
        if not after:
            return
