"""Kueue decides about real pods: a job waits for its quota, and gives it up to a more urgent one.

The real Kueue runs on the control plane's node for the length of the test.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient

from tests.support.cluster import Cluster, PriorityClasses
from tests.support.kueue import CERTIFICATES, NAMESPACE, Kueue, flavor, quota
from tests.support.manifests import POOL, experiment, go_ahead, job, queue, waiting_for_it
from tests.support.sources import REPOSITORY

# The API server asks it about all batch/v1 Jobs, and takes none while it comes and goes.
pytestmark = pytest.mark.alone
NODE = "alidade-control-plane"
HOME = Path("/var/lib/alidade-kueue")
ADMINISTRATOR = "/etc/kubernetes/admin.conf"
UNTIL_TOLD = "until [ -e /go/now ]; do sleep 0.2; done"
system = Cluster(NAMESPACE)


def in_node(*command: str, stdin: bytes = b"", check: bool = True) -> None:
    """Run a command on the control plane's node."""
    run = [str(REPOSITORY / "hack/cluster/in-node"), NODE, *command]
    subprocess.run(run, input=stdin, check=check, stdout=subprocess.PIPE)


def put(file: Path, name: str) -> None:
    """Copy a file to Kueue's folder on the node."""
    in_node("sh", "-c", f"cat >{HOME / name} && chmod 700 {HOME / name}", stdin=file.read_bytes())


@contextmanager
def running(kueue: Kueue, folder: Path) -> Iterator[None]:
    """Run Kueue on the node, beside the API server that calls it on loopback."""
    in_node("mkdir", "-p", str(HOME))
    put(kueue.program, "kueue")
    for name in (*CERTIFICATES, "config.yaml"):
        put(folder / name, name)
    start = f"KUBECONFIG={ADMINISTRATOR} nohup {HOME}/kueue {' '.join(kueue.arguments)}"
    in_node("sh", "-c", f"{start} >{HOME}/log 2>&1 </dev/null &")
    try:
        patient = ("--retry", "60", "--retry-delay", "1", "--retry-all-errors")
        in_node("curl", *patient, "-sf", f"http://127.0.0.1:{kueue.probes}/readyz")
        yield
    finally:
        in_node("pkill", "-f", f"{HOME}/kueue", check=False)
        in_node("rm", "-rf", str(HOME))


@pytest.fixture
def team(cluster: Cluster, tmp_path: Path) -> Iterator[Cluster]:
    """A namespace with a LocalQueue of one CPU."""
    kueue = Kueue(tmp_path, HOME)
    installed = [*kueue.definitions(), *kueue.prerequisites()]
    system.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(installed))
    objects = (flavor("e2e", **POOL), *quota("team", cluster.namespace, "e2e", cpu="1"))
    try:
        with running(kueue, tmp_path):
            cluster.apply(*objects)
            try:
                yield cluster
            finally:
                # Kueue's finalizers are Kueue's to remove.
                cluster.kubectl("delete", "ajob", "--all", "--cascade=foreground")
                cluster.kubectl("delete", "-f", "-", stdin=yaml.safe_dump_all(objects))
    finally:
        system.kubectl("delete", "--wait=false", "-f", "-", stdin=yaml.safe_dump_all(installed))


def test_a_job_gives_its_quota_to_a_more_urgent_one_and_goes_on_as_the_same_run(
    team: Cluster, tracking: MlflowClient, priorities: PriorityClasses
) -> None:
    team.apply(
        queue(kueueLocalQueue="team", resources={"requests": {"cpu": "1"}}, nodeSelector={}),
        experiment(),
        job("humble", priorityClassName=priorities.low, podTemplate=waiting_for_it(UNTIL_TOLD)),
    )
    team.wait_for("humble", state="Started")
    team.apply(
        job("urgent", priorityClassName=priorities.high, podTemplate=waiting_for_it("sleep 5"))
    )
    waits = team.wait_for("humble", reason="KueuePending")
    assert waits["state"] == "Queued"
    team.apply(go_ahead())
    ends = team.wait_for_ends()
    assert {name: status["state"] for name, status in ends.items()} == {
        "humble": "Finished",
        "urgent": "Finished",
    }
    assert len(ends["humble"]["attempts"]) == 2
    team.until_tracked("humble")
    run = team.run(tracking, "humble")
    assert run.info.run_id == ends["humble"]["mlflowRunId"]
    assert run.info.status == "FINISHED"
    assert run.data.tags["alidade.dev/attempts"] == "2"
