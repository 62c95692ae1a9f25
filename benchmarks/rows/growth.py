"""What a job costs as there are ever more of them: batch after batch, one operator."""

import time

from alidade_operator.kube.gateway import JOBS
from benchmarks.jobs import prepare
from benchmarks.quiet import until_quiet
from benchmarks.table import Figure, slope
from benchmarks.user import has_ended
from benchmarks.world import World, of_operator
from tests.support.audit import counted
from tests.support.manifests import job

BATCHES = 5


async def measure(world: World, count: int, batches: int = BATCHES) -> list[Figure]:
    """Let so many batches of so many jobs run, one after the other; ended jobs stay."""
    details: dict[str, float | str] = {}
    points: list[tuple[float, float]] = []
    async with world.user() as user:
        namespace = await prepare(user)
        with world.operator() as operator:
            await until_quiet(world)
            for number in range(batches):
                mark, before = world.audit.mark(), operator.processor_seconds
                begun = time.monotonic()
                names = (f"job-{number}-{i}" for i in range(count))
                await user.create(JOBS, namespace, map(job, names))
                there = (number + 1) * count
                ended = await user.until(JOBS, namespace, there, has_ended)
                await until_quiet(world)
                spent = 1000 * (operator.processor_seconds - before) / count
                asked = counted(world.audit.since(mark), of_operator(namespace)).total() / count
                points.append((there / 1000, spent))
                details[f"at {there} jobs"] = (
                    f"{spent:.1f} ms a job, {asked:.2f} requests a job, "
                    f"{count / (ended - begun):.1f} jobs a second, "
                    f"{operator.resident_bytes / 1e6:.0f} MB"
                )
    return [
        Figure(
            f"operator's processor time a job, from {count} to {batches * count} jobs",
            f"{points[0][1]:.1f} to {points[-1][1]:.1f} ms: {slope(points):+.3f} ms "
            "for each 1,000 that are there",
            details=details,
        )
    ]
