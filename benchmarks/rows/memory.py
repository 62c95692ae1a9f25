"""The operator's memory: when it has nothing to do, and for each job that waits.

It runs on the libraries of its image. What is read is what of its memory is resident, a minute
after the last of the jobs.
"""

import asyncio

from alidade_operator.kube.gateway import JOBS
from benchmarks.jobs import prepare
from benchmarks.quiet import until_quiet
from benchmarks.rows.tracked import is_tracked
from benchmarks.table import Figure, slope
from benchmarks.world import World
from tests.support.manifests import job
from tests.support.tracking import TrackingServer

TRACKED = 100
STEPS = 4
REST_SECONDS = 60
MEGABYTE = 1e6


async def measure(world: World, step: int) -> list[Figure]:
    """Measure it at the start, after tracked jobs, and with one to four times `step` waiting."""
    with TrackingServer(world.folder / "mlflow-memory") as tracking:
        async with world.user() as user:
            namespace = await prepare(user, tracking="MLflow")
            with world.operator(tracking.uri) as operator:
                await until_quiet(world)
                fresh = operator.resident_bytes / MEGABYTE
                await user.create(JOBS, namespace, (job(f"job-{i}") for i in range(TRACKED)))
                await user.until(JOBS, namespace, TRACKED, is_tracked)
                await asyncio.sleep(REST_SECONDS)
                points = [(0.0, operator.resident_bytes / MEGABYTE)]
                for number in range(STEPS):
                    names = [f"waits-{number}-{i}" for i in range(step)]
                    await user.create(JOBS, namespace, (job(name, "missing") for name in names))
                    await until_quiet(world)
                    points.append(((number + 1) * step / 1000, operator.resident_bytes / MEGABYTE))
    return [
        Figure(
            f"resident, a minute after {TRACKED} tracked jobs with logs",
            f"{points[0][1]:.0f} MB",
            f"{fresh:.0f} MB before any job",
        ),
        Figure(
            f"resident for each 1,000 waiting jobs, up to {STEPS * step}",
            f"{slope(points[1:]):.1f} MB",
            details={f"{jobs * 1000:.0f} jobs, MB": round(size, 1) for jobs, size in points},
        ),
    ]
