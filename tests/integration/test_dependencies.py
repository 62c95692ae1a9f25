"""Jobs that wait for others: met, unmet, missing, deleted, going in circles."""

import json
from itertools import pairwise

import pytest

from tests.integration.scene import BATCH_JOB, JOB, Scene
from tests.support.kubelet import failed, oom_killed, running, succeeded
from tests.support.manifests import Body, job
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("operator")

OOM = "failed: OOMKilled, exit code 137 (SIGKILL)"


def wants(name: str, condition: str, **rest: str) -> Body:
    return {"name": name, "condition": condition} | rest


def test_each_condition_is_met_by_the_ends_that_it_names(scene: Scene) -> None:
    scene.let("bad", [running(), failed(1)])
    befores = ("good", "bad", "stopped")
    conditions = ("Complete", "Failed", "Ended", "Started")

    scene.apply(
        *(job(f"{c.lower()}-{b}", wants(b, c)) for c in conditions for b in befores),
        job("good"),
        job("bad"),
        # Cancelled before any pod of it ran.
        job("stopped", suspend=True),
    )
    scene.until("stopped", "Queued", "Suspended")
    scene.patch(JOB, "stopped", {"cancel": True})

    scene.until_states(
        {
            "good": "Finished",
            "bad": "Failed",
            "stopped": "Cancelled",
            "complete-good": "Finished",
            "complete-bad": "Skipped",
            "complete-stopped": "Skipped",
            "failed-good": "Skipped",
            "failed-bad": "Finished",
            "failed-stopped": "Skipped",
            "ended-good": "Finished",
            "ended-bad": "Finished",
            "ended-stopped": "Finished",
            "started-good": "Finished",
            "started-bad": "Finished",
            "started-stopped": "Skipped",
        }
    )
    assert scene.status("failed-good")["message"] == "wants good Failed, but good finished well"
    assert scene.status("complete-stopped")["message"] == "stopped was cancelled"


def test_what_wants_a_job_started_runs_beside_it(scene: Scene) -> None:
    scene.let("server", [running()])

    scene.apply(job("client", wants("server", "Started")), job("server"))

    scene.until("client", "Finished")
    assert scene.states()["server"] == "Started"


def test_a_failure_ends_all_that_builds_on_it_and_each_names_the_root_cause(scene: Scene) -> None:
    scene.let("train", [running(), oom_killed()])

    scene.apply(
        job("report", "infer", "other"),
        job("infer", "attack"),
        job("attack", "train"),
        job("strict", {"name": "infer", "onUnsatisfied": "Fail"}),
        job("after-strict", "strict"),
        job("other"),
        job("train"),
    )

    scene.until_states(
        {
            "train": "Failed",
            "attack": "Skipped",
            "infer": "Skipped",
            "report": "Skipped",
            "strict": "Failed",
            "after-strict": "Skipped",
            "other": "Finished",
        }
    )
    messages = {
        "train": OOM,
        "attack": f"train {OOM}",
        "infer": f"depends on attack (Skipped): train {OOM}",
        "report": f"depends on infer (Skipped): train {OOM}",
        "strict": f"depends on infer (Skipped): train {OOM}",
        "after-strict": f"depends on strict (Failed): train {OOM}",
    }
    for name, message in messages.items():
        status = scene.status(name)
        assert status["message"] == message
        assert status["rootCause"] == {
            "job": "train",
            "reason": "OOMKilled",
            "message": OOM,
            "exitCode": 137,
        }
    # What never ran leaves no batch/v1 Job behind that waits for ever.
    eventually(
        lambda: {j["metadata"]["name"] for j in scene.all_of(BATCH_JOB)} == {"train", "other"}
    )
    assert not any(scene.pods(name) for name in messages if name != "train")


def test_a_job_that_is_not_there_yet_is_waited_for_by_name(scene: Scene) -> None:
    scene.apply(job("b", "a", "c"), job("c"))
    scene.until("c", "Finished")

    waits = scene.until("b", "Waiting", "DependencyNotFound")
    assert waits["message"] == "no job 'a' in this namespace (yet)"
    scene.apply(job("a"))

    scene.until("b", "Finished")
    assert scene.status("a")["completionTime"] <= scene.status("b")["startTime"]


def test_a_job_that_ended_may_be_deleted_and_still_counts(scene: Scene) -> None:
    scene.let("a", [running(), succeeded({"version": "5"})])
    scene.let("slow", [running()])
    version = {"name": "v", "valueFrom": {"job": "a", "output": "version"}}
    scene.apply(job("b", "a", "slow", parameters=[version]), job("a"), job("slow"))
    scene.until_states({"a": "Finished", "slow": "Started"})
    uid = scene.get(JOB, "a")["metadata"]["uid"]
    eventually(lambda: scene.status("b").get("parameters"))

    scene.delete(JOB, "a")
    scene.until_gone(BATCH_JOB, "a")
    scene.let("slow", [running(), succeeded()])

    status = scene.until("b", "Finished")
    assert {"name": "a", "uid": uid, "state": "Finished", "met": True} in status["dependencies"]
    annotations = scene.pods("b")[0]["metadata"]["annotations"]
    assert json.loads(annotations["alidade.dev/parameters"]) == {"v": "5"}


def test_a_job_deleted_before_it_ended_is_missing_and_its_successor_of_that_name_counts(
    scene: Scene,
) -> None:
    scene.let("a", [running()])
    scene.apply(job("a"), job("b", "a"))
    scene.until("a", "Started")
    scene.until("b", "Waiting", "DependencyPending")

    scene.delete(JOB, "a")

    scene.until("b", "Waiting", "DependencyNotFound")
    scene.let("a", [running(), succeeded()])
    scene.apply(job("a"))
    status = scene.until("b", "Finished")
    assert status["dependencies"][0]["uid"] == scene.get(JOB, "a")["metadata"]["uid"]


def test_an_output_that_was_never_given_fails_the_job_that_wants_it(scene: Scene) -> None:
    scene.let("a", [running(), succeeded({"accuracy": "0.9"})])
    wanted = {"name": "v", "valueFrom": {"job": "a", "output": "version"}}

    scene.apply(job("a"), job("b", "a", parameters=[wanted]))

    status = scene.until("b", "Failed", "ParameterUnresolved")
    assert status["message"] == (
        "failed: parameter 'v': a ended without an output 'version'; its outputs: 'accuracy'"
    )


def test_a_circle_is_named_and_goes_on_once_one_of_it_is_deleted(scene: Scene) -> None:
    scene.apply(job("a", "c"), job("b", "a"), job("c", "b"), job("tail", "c"))

    for name in ("a", "b", "c"):
        message = scene.until(name, "Waiting", "DependencyCycle")["message"]
        circle = message.removeprefix("depends on itself: ").partition(";")[0].split(" -> ")
        assert circle[0] == circle[-1]
        # Each waits for the one after it.
        assert set(pairwise(circle)) == {("a", "c"), ("c", "b"), ("b", "a")}
        assert message.endswith("; delete one of them to break the circle")
    scene.until("tail", "Waiting", "DependencyPending")

    scene.delete(JOB, "a")
    scene.until("b", "Waiting", "DependencyNotFound")
    scene.until("c", "Waiting", "DependencyPending")
    scene.apply(job("a"))

    scene.until_states(dict.fromkeys(("a", "b", "c", "tail"), "Finished"))
