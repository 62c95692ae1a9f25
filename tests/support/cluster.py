"""A real cluster with Alidade on it, as a user with kubectl and MlflowClient sees it."""

import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from mlflow import MlflowClient
from mlflow.entities import Run

from tests.support.kubectl import kubectl
from tests.support.manifests import go_ahead
from tests.support.polling import eventually, pause
from tests.support.process import Server, answers, free_port
from tests.support.sources import REPOSITORY

STATE = REPOSITORY / ".cluster"
KUBECTL = STATE / "bin/kubectl"
KUBECONFIG = STATE / "kubeconfig"
SYSTEM = "alidade"
"""Namespace of the operator and the tracking server."""
PATIENCE_SECONDS = 600
"""Longer than anything takes here, also on a machine that has more to do."""
WAIT = f"--timeout={PATIENCE_SECONDS}s"
ENDS = {"Finished", "Failed", "Skipped", "Cancelled"}


@dataclass(frozen=True)
class Cluster:
    """One namespace of the cluster."""

    namespace: str

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl; return what it printed, errors included."""
        where = ("--namespace", self.namespace)
        return kubectl(KUBECTL, KUBECONFIG, *where, *arguments, stdin=stdin, check=check)

    def apply(self, *objects: dict[str, Any]) -> None:
        """Apply objects."""
        # JSON: to kubectl's reader of YAML a value such as 1e-3 is a number.
        together = {"apiVersion": "v1", "kind": "List", "items": objects}
        self.kubectl("apply", "--filename", "-", stdin=json.dumps(together))

    def patch(self, name: str, **spec: Any) -> None:
        """Change fields of a Job's spec."""
        patch = json.dumps({"spec": spec})
        self.kubectl("patch", "jobs.alidade.dev", name, "--type=merge", "--patch", patch)

    def cancel(self, name: str) -> None:
        """Cancel a Job."""
        self.patch(name, cancel=True)

    def pods_of(self, name: str) -> list[dict[str, Any]]:
        """Read the pods of a Job that are there, the oldest first."""
        pods = self.list("pods", f"--selector=alidade.dev/job={name}")
        return sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def go_ahead(self) -> None:
        """Let pods go on that wait for it, those that run already included."""
        self.apply(go_ahead())
        # A kubelet looks after a pod that has changed at once, and else every minute or so.
        self.kubectl("annotate", "pods", "--all", "--overwrite", "example.com/look=now")

    def evict(self, pod: str) -> None:
        """Evict a pod by the Eviction API, as `kubectl drain` does."""
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}/eviction"
        self.kubectl("create", "--raw", path, "--filename=-", stdin=json.dumps(eviction))

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """Read one object."""
        found: dict[str, Any] = json.loads(self.kubectl("get", kind, name, "--output", "json"))
        return found

    def list(self, kind: str, *options: str) -> list[dict[str, Any]]:
        """Read all objects of a kind."""
        answer = json.loads(self.kubectl("get", kind, *options, "--output", "json"))
        items: list[dict[str, Any]] = answer["items"]
        return items

    def job_status(self, name: str) -> dict[str, Any]:
        """Return the status of a Job."""
        status: dict[str, Any] = self.get("jobs.alidade.dev", name).get("status", {})
        return status

    def run(self, client: MlflowClient, name: str) -> Run:
        """Return the one MLflow run of a Job."""
        uid = self.get("jobs.alidade.dev", name)["metadata"]["uid"]
        every = [found.experiment_id for found in client.search_experiments()]
        (run,) = client.search_runs(every, f"tags.`alidade.dev/uid` = '{uid}'")
        return run

    def mlflow_experiment(self, name: str) -> str:
        """Return the ID that MLflow has given an Experiment, once it has."""

        def given() -> object:
            status = self.get("experiments.alidade.dev", name).get("status", {})
            return status.get("mlflowExperimentId")

        return str(eventually(given))

    def wait_for(self, name: str, **fields: str) -> dict[str, Any]:
        """Wait until a Job's status has these values; return it.

        Only what lasts until the test goes on can be waited for.
        """
        begun = time.monotonic()
        while True:
            status = self.job_status(name)
            if all(status.get(field) == value for field, value in fields.items()):
                return status
            final = status.get("state") in ENDS and fields.keys() & {"state", "reason"}
            waited = time.monotonic() - begun
            if waited > PATIENCE_SECONDS or final:
                raise AssertionError(f"{name} is not {fields}: {json.dumps(status, indent=1)}")
            pause(waited)

    def wait_for_start(self, name: str) -> dict[str, Any]:
        """Wait until a Job's pod has run, be it that it has ended meanwhile; return the status."""

        def check() -> dict[str, Any]:
            status = self.job_status(name)
            assert "startTime" in status, f"{name} has not started: {status}"
            return status

        return eventually(check)

    def until_logged(self, pod: str, words: str) -> None:
        """Wait until a pod's log has these words; `job/NAME` is a pod of that job."""
        eventually(lambda: words in self.kubectl("logs", pod))

    def until_told(self, job: str, words: str) -> None:
        """Wait until an event of a Job says this: events come after the status."""
        eventually(lambda: words in self.kubectl("events", "--for", f"jobs.alidade.dev/{job}"))

    def until_tracked(self, job: str) -> None:
        """Wait until MLflow's end of a Job's run agrees with the Job's."""
        self.kubectl("wait", "--for=condition=Tracked", f"ajob/{job}", WAIT)

    def until_archived(self, job: str) -> None:
        """Wait until all logs of a Job's pods are with its run."""
        self.kubectl("wait", "--for=condition=LogsArchived", f"ajob/{job}", WAIT)

    def until_deleted(self, *what: str) -> None:
        """Wait until objects are gone."""
        self.kubectl("wait", "--for=delete", *what, WAIT)

    def wait_for_ends(self, within: float = PATIENCE_SECONDS) -> dict[str, dict[str, Any]]:
        """Wait until every Job has ended; return their statuses by name."""
        begun = time.monotonic()
        while True:
            jobs = self.list("jobs.alidade.dev")
            statuses = {job["metadata"]["name"]: job.get("status", {}) for job in jobs}
            if statuses and all(status.get("state") in ENDS for status in statuses.values()):
                return statuses
            waited = time.monotonic() - begun
            if waited > within:
                raise AssertionError(f"not ended: {self.kubectl('get', 'jobs.alidade.dev,pods')}")
            pause(waited)


class PriorityClasses(NamedTuple):
    """Names of two PriorityClasses."""

    low: str
    high: str


@contextmanager
def priority_classes() -> Iterator[PriorityClasses]:
    """Make two PriorityClasses for the length of a test."""
    mark = uuid.uuid4().hex[:6]
    names, everywhere = PriorityClasses(f"e2e-low-{mark}", f"e2e-high-{mark}"), Cluster("default")
    kind = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
    everywhere.apply(
        *(kind | {"metadata": {"name": n}, "value": v} for v, n in enumerate(names, 1))
    )
    try:
        yield names
    finally:
        everywhere.kubectl("delete", "priorityclass", *names)


@contextmanager
def namespace(name: str) -> Iterator[Cluster]:
    """Make a namespace for the length of a test."""
    cluster = Cluster(name)
    # A run that was interrupted leaves its own behind.
    cluster.kubectl("delete", "namespace", name, "--ignore-not-found")
    cluster.kubectl("create", "namespace", name)
    try:
        yield cluster
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false")


@contextmanager
def without(component: str) -> Iterator[None]:
    """Have no operator, or no mlflow, for as long as this lasts."""
    system, deployment = Cluster(SYSTEM), f"deployment/alidade-{component}"
    system.kubectl("scale", deployment, "--replicas=0")
    try:
        system.until_deleted("pods", "--selector", f"app.kubernetes.io/component={component}")
        yield
    finally:
        system.kubectl("scale", deployment, "--replicas=1")
        system.kubectl("rollout", "status", deployment, WAIT)


@contextmanager
def tracking_server() -> Iterator[MlflowClient]:
    """Reach the tracking server in the cluster; where the connection breaks it is made anew."""
    port = free_port()
    call = f"{KUBECTL} --namespace {SYSTEM} port-forward service/alidade-mlflow {port}:5000"
    command = ("bash", "-c", f"while :; do {call} || sleep 1; done")
    environment = {**os.environ, "KUBECONFIG": str(KUBECONFIG)}
    with TemporaryDirectory() as folder:
        forward = Server(command, Path(folder) / "forward.log", environment)
        forward.start()
        try:
            eventually(lambda: answers(f"http://127.0.0.1:{port}/health"))
            yield MlflowClient(f"http://127.0.0.1:{port}")
        finally:
            forward.kill()
