"""Pods that end, and are gone, while no operator looks: what has finished stays, nothing else does.

batch/v1 counts a pod that was told to stop and exited with 0 as one that succeeded.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.support.cluster import (
    SYSTEM,
    WAIT,
    Cluster,
    namespace,
    tracking_server,
    without,
)
from tests.support.manifests import experiment, job, queue, waiting_for_it
from tests.support.polling import eventually
from tests.support.sources import REPOSITORY

pytestmark = pytest.mark.alone
SMALL = {"requests": {"cpu": "50m", "memory": "32Mi"}}
UNTIL = "until [ -e /go/now ] || [ -e /tmp/now ]; do sleep 0.2; done"
SCRIPTS = {
    "saves": f"trap 'exit 0' TERM; {UNTIL}",
    "does-not-save": UNTIL,
    "ends-well": UNTIL,
    "fails": f"{UNTIL}; exit 3",
}
STOPPED = ("saves", "does-not-save")
ENDS = {"saves": "Complete", "does-not-save": "Failed", "ends-well": "Complete", "fails": "Failed"}


def patient(script: str) -> dict[str, Any]:
    """Return a pod template whose script has the time to end by itself if it is told to."""
    template = waiting_for_it(script)
    if "trap" in script:
        template["spec"]["terminationGracePeriodSeconds"] = 30
    return template


@dataclass(frozen=True)
class Unseen:
    """Jobs of whose first pods nobody saw the end, and what came of them."""

    cluster: Cluster
    client: MlflowClient
    statuses: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def unseen() -> Iterator[Unseen]:
    with namespace("e2e-unseen") as cluster, tracking_server() as client:
        cluster.apply(
            queue(resources=SMALL),
            experiment(),
            *(job(name, podTemplate=patient(script)) for name, script in SCRIPTS.items()),
        )
        for name in SCRIPTS:
            cluster.wait_for(name, reason="Running")
        pods = {name: cluster.pods_of(name)[0]["metadata"]["name"] for name in SCRIPTS}
        with without("operator"):
            for name, pod in pods.items():
                if name in STOPPED:
                    cluster.kubectl("delete", "pod", pod, "--wait=false")
                else:
                    cluster.kubectl("exec", pod, "--", "touch", "/tmp/now")
            for name, end in ENDS.items():
                cluster.kubectl("wait", f"--for=condition={end}", f"jobs.batch/{name}", WAIT)
            # As the garbage collector of ended pods does, or of a node that was taken away.
            cluster.kubectl("delete", "pods", "--all")
            cluster.go_ahead()
        yield Unseen(cluster, client, cluster.wait_for_ends())


@pytest.mark.parametrize("name", STOPPED)
def test_what_was_stopped_is_begun_anew_as_the_same_run(name: str, unseen: Unseen) -> None:
    status = unseen.statuses[name]
    assert (status["state"], status["retries"]["count"]) == ("Finished", 1)
    unseen.cluster.until_told(name, "was stopped by its node while no operator looked")
    _, last = status["attempts"]
    assert last["reason"] == "Completed"
    unseen.cluster.until_tracked(name)
    run = unseen.cluster.run(unseen.client, name)
    assert (run.info.run_id, run.info.status) == (status["mlflowRunId"], "FINISHED")


@pytest.mark.parametrize(("name", "state"), [("ends-well", "Finished"), ("fails", "Failed")])
def test_what_ended_by_itself_is_not_run_again(name: str, state: str, unseen: Unseen) -> None:
    status = unseen.statuses[name]
    assert (status["state"], len(status["attempts"])) == (state, 1)
    assert "retries" not in status
    unseen.cluster.until_tracked(name)
    run = unseen.cluster.run(unseen.client, name)
    assert run.info.status == state.upper()


def test_what_could_not_be_read_of_an_end_is_told(unseen: Unseen) -> None:
    assert "gone before that could be read" in unseen.statuses["ends-well"]["message"]


@contextmanager
def paused(node: str, process: str) -> Iterator[None]:
    """Stop a process on a node in the midst of what it does, for as long as this lasts."""

    def send(signal: str) -> None:
        run = [str(REPOSITORY / "hack/cluster/in-node"), node, "pkill", f"-{signal}", "-f", process]
        subprocess.run(run, check=True)

    send("STOP")
    try:
        yield
    finally:
        send("CONT")


def test_what_its_kubelet_deleted_anew_before_anybody_saw_it_end_was_stopped(
    cluster: Cluster,
) -> None:
    cluster.apply(
        queue(resources=SMALL),
        experiment(),
        job("saves", podTemplate=patient(SCRIPTS["saves"])),
    )
    cluster.wait_for("saves", reason="Running")
    (pod,) = cluster.pods_of("saves")
    (operator,) = Cluster(SYSTEM).list("pods", "--selector=app.kubernetes.io/component=operator")

    def deleted_anew() -> bool:
        (found,) = cluster.pods_of("saves")
        anew: bool = found["metadata"]["deletionGracePeriodSeconds"] == 0
        return anew and bool(found["status"]["phase"] == "Succeeded")

    with paused("alidade-control-plane", "^kube-controller-manager "):
        with paused(operator["spec"]["nodeName"], " -m alidade_operator$"):
            cluster.kubectl("delete", "pod", pod["metadata"]["name"], "--wait=false")
            eventually(deleted_anew)
        cluster.until_told("saves", "was deleted while it ran")
        (attempt,) = cluster.job_status("saves")["attempts"]
        assert (attempt["fate"], attempt["reason"]) == ("Stopped", "PodStopped")
    cluster.go_ahead()
    status = cluster.wait_for("saves", state="Finished")
    assert [a["fate"] for a in status["attempts"]] == ["Stopped", "Succeeded"]
