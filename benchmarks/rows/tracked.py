"""Jobs with runs and logs: what is asked of MLflow and of the API server, and how fast it can be.

MLflow is a server of its own over SQLite, with one worker, as the chart has it. Beside it stands
how long the same server takes for as many runs that a plain client begins and ends.
"""

import asyncio
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from mlflow import MlflowClient
from mlflow.entities import RunTag

from alidade_operator.kube.gateway import JOBS, Body
from benchmarks.jobs import HELD, let_go, prepare
from benchmarks.latency import moments
from benchmarks.quiet import until_quiet
from benchmarks.table import Figure, each, percentiles
from benchmarks.user import AT_A_TIME, User, has_ended, has_started
from benchmarks.world import World, of_operator
from tests.support.audit import counted
from tests.support.manifests import job
from tests.support.tracking import TrackingServer

_LOG = "/mlflow-artifacts/"


async def measure(world: World, count: int) -> list[Figure]:
    """Measure so many jobs, and two thirds as many parents with a child each."""
    with TrackingServer(world.folder / "mlflow") as tracking:
        async with world.user() as user:
            return [
                *await _independent(world, user, tracking, count),
                *await _families(world, user, tracking, count * 2 // 3),
            ]


async def _independent(
    world: World, user: User, tracking: TrackingServer, count: int
) -> list[Figure]:
    namespace = await prepare(user, tracking="MLflow")
    with world.operator(tracking.uri):
        await until_quiet(world)
        mark, asked = world.audit.mark(), tracking.mark()
        begun = time.monotonic()
        await user.create(JOBS, namespace, (job(f"job-{i}") for i in range(count)))
        seconds = await user.until(JOBS, namespace, count, has_ended) - begun
        settled = await user.until(JOBS, namespace, count, is_tracked) - begun
        await until_quiet(world)
    of_mlflow = tracking.asked(asked)
    logs = sum(n for what, n in of_mlflow.items() if _LOG in what)
    asked = tracking.mark()
    plain = await asyncio.to_thread(_plainly, tracking, count)
    rate = tracking.asked(asked).total() / plain
    requests = counted(world.audit.since(mark), of_operator(namespace))
    return [
        Figure(
            f"{count} jobs with a run and a log: all ended, and their runs",
            f"{seconds:.1f} and {settled:.1f} s",
            f"{plain:.1f} s for as many bare runs ({rate:.0f} requests a second)",
            settled / plain,
        ),
        Figure(
            "requests to MLflow a job",
            f"{(of_mlflow.total() - logs) / count:.2f}, and for its log {logs / count:.2f}",
            details=_each(of_mlflow, count),
        ),
        Figure(
            "requests of the operator a job with a run and a log",
            f"{requests.total() / count:.2f}",
            details=each(requests, count),
        ),
    ]


async def _families(world: World, user: User, tracking: TrackingServer, count: int) -> list[Figure]:
    namespace = await prepare(user, tracking="MLflow")
    pairs = [(f"parent-{i}", f"child-{i}") for i in range(count)]
    parents = [parent for parent, _ in pairs]
    with world.operator(tracking.uri):
        await user.create(JOBS, namespace, (job(name, podTemplate=HELD) for name in parents))
        await user.create(JOBS, namespace, (job(child, parent) for parent, child in pairs))
        await user.until(JOBS, namespace, count, has_started)
        await until_quiet(world)
        mark, asked = world.audit.mark(), tracking.mark()
        await let_go(user, namespace, parents)
        await user.until(JOBS, namespace, 2 * count, has_ended)
        await user.until(JOBS, namespace, 2 * count, is_tracked)
        of_mlflow = tracking.asked(asked)
    seen = list(world.audit.since(mark))
    found = moments(seen, namespace)
    return [
        Figure(
            f"{count} parents that end together, with a child each: from end to release",
            percentiles(found.between(pairs)),
            details=_each(of_mlflow, count),
        )
    ]


def is_tracked(body: Body) -> bool:
    """Say whether MLflow's end of a job's run agrees with the job's, and its log is there."""
    held = {
        c["type"] for c in body.get("status", {}).get("conditions", ()) if c["status"] == "True"
    }
    return {"Tracked", "LogsArchived"} <= held


def _each(asked: Counter[str], jobs: int) -> dict[str, float]:
    return {what: round(n / jobs, 2) for what, n in asked.most_common()}


def _plainly(tracking: TrackingServer, count: int) -> float:
    """Begin and end so many runs, with a tag each; return how many seconds that took."""
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    client = MlflowClient(tracking.uri)
    experiment = client.create_experiment("plain")

    def one(number: int) -> None:
        run = client.create_run(experiment, run_name=f"run-{number}").info.run_id
        client.log_batch(run, tags=[RunTag("state", "Finished")])
        client.set_terminated(run)

    begun = time.monotonic()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(one, range(count)))
    return time.monotonic() - begun
