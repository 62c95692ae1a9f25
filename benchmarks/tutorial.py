"""What the cluster costs: the tutorial's eight jobs as plain processes, beside the same on Alidade.

Run after `make demo`, on the same machine, with the worker's environment:

    PYTHONPATH=core:worker .venv-worker-dev/bin/python benchmarks/tutorial.py

It reads the manifests, runs each job's entry point by the worker's own runner in a process, two
at a time and in the same order of dependence, with a tracking server of its own; then it compares
with what the jobs on the cluster say of themselves.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import yaml
from mlflow import MlflowClient

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLE = REPOSITORY / "examples/mnist"
STATE = REPOSITORY / ".cluster"
KUBECTL = [str(STATE / "bin/kubectl"), "--kubeconfig", str(STATE / "kubeconfig")]
PORT = 5959
AT_A_TIME = 2


def cluster_jobs(namespace: str) -> dict[str, dict[str, Any]]:
    """Read the tutorial's jobs from the cluster, by name."""
    command = [*KUBECTL, "--namespace", namespace, "get", "jobs.alidade.dev", "--output", "json"]
    items = json.loads(subprocess.check_output(command))["items"]
    return {job["metadata"]["name"]: job for job in items if job["spec"]["experiment"] == "mnist"}


@dataclass
class Plain:
    """Runs jobs as processes on this machine."""

    scratch: Path
    client: MlflowClient
    experiment: str
    runs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)

    def value(self, parameter: dict[str, Any]) -> str:
        """Return a parameter's value, its own or another job's."""
        source = parameter.get("valueFrom")
        if source is None:
            return str(parameter["value"])
        if "field" in source:
            return self.runs[source["job"]]
        return self.outputs[source["job"]][source["output"]]

    def run(self, job: dict[str, Any]) -> float:
        """Run a job to its end; return how many seconds it took."""
        name, spec = job["metadata"]["name"], job["spec"]
        run_id = self.client.create_run(self.experiment, run_name=name).info.run_id
        message = self.scratch / name
        parameters = {p["name"]: self.value(p) for p in spec.get("parameters", ())}
        if spec["entryPoint"] != "infer":
            parameters["data_dir"] = str(EXAMPLE / "data")
        environment = {
            **os.environ,
            "ALIDADE_ENTRY_POINT": spec["entryPoint"],
            "ALIDADE_PARAMETERS": json.dumps(parameters),
            "ALIDADE_WORKFLOW": str(EXAMPLE),
            "ALIDADE_TERMINATION_LOG": str(message),
            "MLFLOW_RUN_ID": run_id,
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{PORT}",
            "PYTHONPATH": f"{REPOSITORY / 'core'}{os.pathsep}{REPOSITORY / 'worker'}",
            "TF_CPP_MIN_LOG_LEVEL": "2",
        }
        started = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "alidade_worker"],
            env=environment,
            check=True,
            capture_output=True,
        )
        self.runs[name] = run_id
        self.outputs[name] = json.loads(message.read_text())
        return time.monotonic() - started

    def run_all(self, jobs: dict[str, dict[str, Any]]) -> tuple[float, dict[str, float]]:
        """Run all jobs in order of dependence; return seconds in all and by job."""
        started = time.monotonic()
        seconds: dict[str, float] = {}
        open_, under_way = dict(jobs), dict[Future[float], str]()
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            while open_ or under_way:
                for name, job in list(open_.items()):
                    if all(d["name"] in seconds for d in job["spec"].get("dependsOn", ())):
                        under_way[pool.submit(self.run, open_.pop(name))] = name
                for done in wait(under_way, return_when=FIRST_COMPLETED).done:
                    seconds[under_way.pop(done)] = done.result()
        return time.monotonic() - started, seconds


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _seconds(job: dict[str, Any]) -> float:
    status = job["status"]
    return (_time(status["completionTime"]) - _time(status["startTime"])).total_seconds()


def start_tracking(scratch: Path) -> subprocess.Popen[bytes]:
    """Start a tracking server as the chart does."""
    return subprocess.Popen(
        [
            Path(sys.executable).parent / "mlflow",
            *("server", "--host", "127.0.0.1", "--port", str(PORT), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{scratch}/mlflow.db"),
            *("--artifacts-destination", str(scratch / "artifacts"), "--serve-artifacts"),
        ],
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@click.command()
@click.option("--namespace", default="default", show_default=True)
def main(namespace: str) -> None:
    """Print both times and their ratio, in all and by job."""
    on_cluster = cluster_jobs(namespace)
    manifests = {
        document["metadata"]["name"]: document
        for file in sorted((EXAMPLE / "manifests").glob("*.yaml"))
        for document in yaml.safe_load_all(file.read_text())
        if document["kind"] == "Job"
    }
    # The cluster's specs have the epochs that it really ran with.
    for name, manifest in manifests.items():
        manifest["spec"] = on_cluster[name]["spec"]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        server = start_tracking(scratch)
        try:
            client = MlflowClient(f"http://127.0.0.1:{PORT}")
            plain = Plain(scratch, client, client.create_experiment("plain"))
            total, seconds = plain.run_all(manifests)
        finally:
            server.terminate()
            server.wait()
    begun = min(_time(job["metadata"]["creationTimestamp"]) for job in on_cluster.values())
    over = max(_time(job["status"]["completionTime"]) for job in on_cluster.values())
    cluster_total = (over - begun).total_seconds()
    print(f"{'':40} {'plain':>8} {'cluster':>8} {'ratio':>6}")
    for name, job in on_cluster.items():
        there = _seconds(job)
        print(f"{name:40} {seconds[name]:7.1f}s {there:7.1f}s {there / seconds[name]:6.2f}")
    print(f"{'all':40} {total:7.1f}s {cluster_total:7.1f}s {cluster_total / total:6.2f}")


if __name__ == "__main__":
    main()
