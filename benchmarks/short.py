"""Where the seconds of a short job go: ten seconds of work on the cluster, and as a plain process.

Run after `make deploy`, with the development environment:

    PYTHONPATH=.:core:operator .venv-dev/bin/python -m benchmarks.short

In turn: a job whose one step sleeps for ten seconds, with a run and a log; and the same entry point
run by the worker in a process of this machine, with a tracking server of its own. The nodes are
containers of this machine, so that all clocks are one. Each moment is when it is seen, by a watch.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from kubernetes import config
from kubernetes.dynamic import DynamicClient

from tests.support.cluster import KUBECONFIG, Cluster, namespace
from tests.support.manifests import IMAGE, experiment, job, queue, with_workflow, workflow
from tests.support.sources import REPOSITORY, WORKER
from tests.support.tracking import TrackingServer

TIMES = 5
WORKERS_PYTHON = REPOSITORY / ".venv-worker-dev/bin/python"
STEP = """
import json
import os
import time

import mlflow

with mlflow.start_run():
    first = time.time()
    mlflow.log_param("a", 1)
    time.sleep(10)
    mlflow.log_metric("b", 1)
    print(json.dumps({"first": first, "last": time.time()}), flush=True)
"""
ENTRY_POINTS = {"main": {"command": "python step.py"}}
SMALL = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}}
Moments = dict[str, float]
PARTS = (
    ("created", "scheduled", "the operator, its run, batch/v1, the scheduler"),
    ("scheduled", "running", "the kubelet: image, sandbox, container"),
    ("running", "first", "the worker's start, imports, the run"),
    ("first", "last", "the work"),
    ("last", "terminated", "the end of the process, and what the kubelet says of it"),
    ("terminated", "complete", "batch/v1"),
    ("complete", "finished", "the operator"),
)


class Watched:
    """The moments of a job, as they are seen.

    Args:
        client: A client of the API server.
        cluster: The jobs' namespace.
    """

    def __init__(self, client: DynamicClient, cluster: Cluster) -> None:
        self._client = client
        self._cluster = cluster
        self._where = cluster.namespace

    def run(self, name: str) -> Moments:
        """Let a job run; return when what was seen of it."""
        own = self._client.resources.get(api_version="alidade.dev/v1alpha1", kind="Job")
        moments = {"created": time.time()}
        own.create(body=job(name, podTemplate=with_workflow()), namespace=self._where)
        while "finished" not in moments:
            self._look(name, moments, own)
            time.sleep(0.03)
        return moments | _said(self._cluster.kubectl("logs", f"job/{name}"))

    def _look(self, name: str, moments: Moments, own: Any) -> None:
        selector = f"alidade.dev/job={name}"
        seen: set[str] = set()
        for pod in self._all_of("v1", "Pod", selector):
            seen |= {"scheduled"} if pod["spec"].get("nodeName") else set()
            for container in pod["status"].get("containerStatuses", ()):
                state = set(container["state"])
                seen |= {"running"} if state & {"running", "terminated"} else set()
                seen |= state & {"terminated"}
        for made in self._all_of("batch/v1", "Job", selector):
            seen |= {"complete"} if made["status"].get("completionTime") else set()
        status = own.get(name=name, namespace=self._where).to_dict().get("status", {})
        seen |= {"finished"} if status.get("state") == "Finished" else set()
        for what in seen:
            moments.setdefault(what, time.time())

    def _all_of(self, version: str, kind: str, selector: str) -> list[dict[str, Any]]:
        resource = self._client.resources.get(api_version=version, kind=kind)
        answer = resource.get(namespace=self._where, label_selector=selector)
        found: list[dict[str, Any]] = answer.to_dict()["items"]
        return found


def plainly(tracking: TrackingServer, scratch: Path) -> Moments:
    """Run the same entry point in a process of this machine."""
    run = tracking.client.create_run("0").info.run_id
    environment = {
        **os.environ,
        "ALIDADE_ENTRY_POINT": "main",
        "ALIDADE_PARAMETERS": "{}",
        "ALIDADE_WORKFLOW": str(scratch),
        "ALIDADE_TERMINATION_LOG": str(scratch / "termination-log"),
        "MLFLOW_RUN_ID": run,
        "MLFLOW_TRACKING_URI": tracking.uri,
        "PATH": f"{WORKERS_PYTHON.parent}:{os.environ['PATH']}",
        "PYTHONPATH": WORKER,
    }
    begun = time.time()
    done = subprocess.run(
        [WORKERS_PYTHON, "-m", "alidade_worker"],
        env=environment, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return {"created": begun, "finished": time.time()} | _said(done.stdout)


def _said(log: str) -> Moments:
    (line,) = (line for line in log.splitlines() if line.startswith('{"first"'))
    said: Moments = json.loads(line)
    return said


def between(found: list[Moments], since: str, until: str) -> float:
    """Return the median of the seconds between two moments."""
    return statistics.median(moments[until] - moments[since] for moments in found)


def main() -> None:
    """Print where the seconds go."""
    ours: list[Moments] = []
    plain: list[Moments] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        TrackingServer(Path(folder) / "mlflow") as tracking,
        config.new_client_from_config(str(KUBECONFIG)) as connection,
        namespace(f"short-{uuid.uuid4().hex[:8]}") as cluster,
    ):
        cluster.apply(
            queue(resources=SMALL),
            experiment(workflow={"image": IMAGE, "path": "/own"}),
            workflow(ENTRY_POINTS, step=STEP),
        )
        scratch = Path(folder) / "workflow"
        scratch.mkdir()
        (scratch / "MLproject").write_text(
            json.dumps({"name": "own", "entry_points": ENTRY_POINTS})
        )
        (scratch / "step.py").write_text(STEP)
        watched = Watched(DynamicClient(connection), cluster)
        watched.run("first")
        for number in range(TIMES):
            ours.append(watched.run(f"job-{number}"))
            plain.append(plainly(tracking, scratch))
            here, there = (found[-1]["finished"] - found[-1]["created"] for found in (ours, plain))
            print(f"{here:.1f} s on the cluster, {there:.1f} s as a plain process", flush=True)
    print("| from | to | s | what |\n|---|---|---|---|")
    for since, until, what in PARTS:
        print(f"| {since} | {until} | {between(ours, since, until):.2f} | {what} |")
    here, there = between(ours, "created", "finished"), between(plain, "created", "finished")
    print(f"| created | finished | {here:.2f} | all |")
    print(f"| a plain process | | {there:.2f} | all |")
    print(f"| | | {between(plain, 'created', 'first'):.2f} | before its first step |")
    print(f"\nover plain: {here - there:.2f} s; {here / there:.2f} times as long")


if __name__ == "__main__":
    main()
