"""Queues: how many run at a time, who goes first, what is drained, and what its time takes away."""

from datetime import datetime
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.support.cluster import SYSTEM, Cluster
from tests.support.manifests import experiment, go_ahead, job, queue, shell, waiting_for_it
from tests.support.polling import eventually

SMALL = {"requests": {"cpu": "50m", "memory": "64Mi"}}
UNTIL_TOLD = "until [ -e /go/now ]; do sleep 0.2; done"
system = Cluster(SYSTEM)


def running_times(cluster: Cluster) -> dict[str, tuple[datetime, datetime]]:
    """Return when each job's pod ran, by the kubelet's clock."""
    times = {}
    for pod in cluster.list("pods"):
        (container,) = pod["status"]["containerStatuses"]
        ended = container["state"]["terminated"]
        start, end = (datetime.fromisoformat(ended[at]) for at in ("startedAt", "finishedAt"))
        times[pod["metadata"]["labels"]["alidade.dev/job"]] = (start, end)
    return times


def most_at_a_time(times: dict[str, tuple[datetime, datetime]]) -> int:
    """Return how many ran at once at most; one that starts in the second of an end follows it."""
    starts = [start for start, _ in times.values()]
    return max(sum(s <= moment < e for s, e in times.values()) for moment in starts)


@pytest.mark.alone
def test_max_running_holds_at_every_moment_also_over_a_restart(cluster: Cluster) -> None:
    first, names = ("j0", "j1"), [f"j{number}" for number in range(8)]
    script = "case $ALIDADE_JOB in j0 | j1) until [ -e /tmp/now ]; do sleep 0.2; done ;; esac"
    cluster.apply(queue(maxRunning=2, resources=SMALL), experiment(tracking="None"))
    cluster.apply(*(job(name, podTemplate=shell(script)) for name in first))
    for name in first:
        cluster.wait_for(name, reason="Running")
    cluster.apply(*(job(name, podTemplate=shell(script)) for name in names if name not in first))
    operators = ("--selector", "app.kubernetes.io/component=operator")
    system.kubectl("delete", "pods", *operators, "--force", "--grace-period=0")
    for name in first:
        cluster.kubectl("exec", f"job/{name}", "--", "touch", "/tmp/now")

    ends = cluster.wait_for_ends()
    assert {status["state"] for status in ends.values()} == {"Finished"}
    times = running_times(cluster)
    assert sorted(times) == names
    assert most_at_a_time(times) == 2


def test_a_higher_priority_goes_first(cluster: Cluster) -> None:
    cluster.apply(queue(maxRunning=1, resources=SMALL), experiment(tracking="None"))
    cluster.apply(job("first", podTemplate=shell("sleep 600")))
    cluster.wait_for("first", state="Started")
    cluster.apply(job("humble", podTemplate=shell("sleep 2")))
    cluster.wait_for("humble", reason="QueueFull")
    cluster.apply(job("urgent", priority=10, podTemplate=shell("sleep 2")))
    cluster.wait_for("urgent", message="position 1 of 2 in queue cpu (1 of 1 running)")
    cluster.cancel("first")

    cluster.wait_for_ends()
    cluster.until_deleted("pods", "-l=alidade.dev/job=first")
    times = running_times(cluster)
    assert sorted(times, key=lambda name: times[name]) == ["urgent", "humble"]


def test_a_cancelled_job_keeps_its_place_until_its_pod_has_ended(cluster: Cluster) -> None:
    slow = shell("trap 'sleep 10; exit 0' TERM; sleep 600 & wait")
    slow["spec"]["terminationGracePeriodSeconds"] = 60
    cluster.apply(queue(maxRunning=1, resources=SMALL), experiment(tracking="None"))
    cluster.apply(job("slow", podTemplate=slow))
    cluster.wait_for("slow", reason="Running")
    cluster.apply(job("next", podTemplate=shell("sleep 600")))
    cluster.wait_for("next", reason="QueueFull")
    cluster.cancel("slow")
    cluster.wait_for("slow", state="Cancelled")

    def pods() -> dict[str, dict[str, Any]]:
        return {p["metadata"]["labels"]["alidade.dev/job"]: p for p in cluster.list("pods")}

    def next_has_one() -> bool:
        seen.append(pods())
        return "next" in seen[-1]

    seen = [pods()]
    assert seen[0].keys() == {"slow"}
    eventually(next_has_one)
    if "slow" in seen[-1]:
        (container,) = seen[-1]["slow"]["status"]["containerStatuses"]
        assert "terminated" in container["state"]


def test_what_a_drained_queue_stops_goes_on_later_as_the_same_run(
    cluster: Cluster, tracking: MlflowClient
) -> None:
    spec: dict[str, Any] = {"resources": SMALL}
    cluster.apply(queue(**spec), experiment())
    cluster.apply(job("long", podTemplate=waiting_for_it(UNTIL_TOLD)))
    cluster.wait_for("long", state="Started")

    cluster.apply(queue(stopPolicy="HoldAndDrain", **spec))
    cluster.wait_for("long", state="Queued", reason="QueueHeld")
    cluster.until_deleted("pods", "--all")
    cluster.apply(go_ahead(), queue(**spec))

    status = cluster.wait_for("long", state="Finished")
    assert len(status["attempts"]) == 2
    assert cluster.run(tracking, "long").info.run_id == status["mlflowRunId"]


def test_a_job_whose_time_is_over_leaves_its_run_and_its_dependents(
    cluster: Cluster, tracking: MlflowClient
) -> None:
    short = {"ttlSecondsAfterFinished": 1, "podTemplate": shell("true")}
    cluster.apply(queue(resources=SMALL), experiment(), job("short", **short))
    cluster.apply(job("after", "short", podTemplate=shell("sleep 12")))
    after = cluster.wait_for_start("after")
    cluster.until_deleted("ajob/short")

    assert cluster.wait_for("after", state="Finished")["mlflowRunId"]
    (dependency,) = after["dependencies"]
    (run,) = tracking.search_runs(
        [cluster.mlflow_experiment("bench")], f"tags.`alidade.dev/uid` = '{dependency['uid']}'"
    )
    assert run.info.status == "FINISHED"
