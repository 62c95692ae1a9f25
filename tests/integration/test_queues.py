"""Queues: how many run at a time, whose turn it is, and what a held queue does."""

from datetime import UTC, datetime

import pytest

from tests.integration.scene import (
    BATCH_JOB,
    EXPERIMENT,
    JOB,
    QUEUE,
    Body,
    Scene,
    in_the_order_released,
    most_at_a_time,
)
from tests.support.kubelet import running, succeeded, waiting
from tests.support.manifests import experiment, job, queue
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("operator")

RUNS_ON = [running()]
RUNS_OUT = [running(), succeeded()]


def until_the_clock_moves_on(scene: Scene, name: str) -> None:
    """Ages are told apart by the second."""
    created = datetime.fromisoformat(scene.get(JOB, name)["metadata"]["creationTimestamp"])
    eventually(lambda: (datetime.now(UTC) - created).total_seconds() >= 1)


def test_no_more_jobs_than_max_running_hold_a_place_at_any_moment(scene: Scene) -> None:
    scene.apply(queue(maxRunning=3))
    names = [f"j{number}" for number in range(12)]
    since = scene.version(BATCH_JOB)
    for name in names:
        scene.let(name, RUNS_ON)

    scene.apply(*map(job, names))
    # All places are taken before the first is given back.
    eventually(lambda: places(scene) == {"queued": 9, "running": 3})
    for name in names:
        scene.let(name, RUNS_OUT)

    scene.until_states(dict.fromkeys(names, "Finished"))
    versions = scene.history(BATCH_JOB, since)
    assert sorted(in_the_order_released(versions)) == sorted(names)
    assert most_at_a_time(versions) == 3
    eventually(lambda: places(scene) == {"queued": 0, "running": 0})


def test_a_higher_priority_goes_first_and_then_the_older_job(scene: Scene) -> None:
    since = scene.version(BATCH_JOB)
    scene.let("first", RUNS_ON)
    scene.apply(queue(maxRunning=1), job("first"))
    scene.until("first", "Started")

    scene.apply(job("z-old"), job("humble", priority=-1))
    until_the_clock_moves_on(scene, "z-old")
    scene.apply(job("a-young"), job("urgent", priority=10))
    # They are told anew every few seconds, and not all at once.
    for position, name in enumerate(("urgent", "z-old", "a-young", "humble"), start=1):
        message = f"position {position} of 4 in queue cpu (1 of 1 running)"
        scene.until(name, "Queued", "QueueFull", says=message)
    scene.let("first", RUNS_OUT)

    scene.until("humble", "Finished")
    released = in_the_order_released(scene.history(BATCH_JOB, since))
    assert released == ["first", "urgent", "z-old", "a-young", "humble"]


def test_places_go_round_by_experiment(scene: Scene) -> None:
    since = scene.version(BATCH_JOB)
    scene.let("first", RUNS_ON)
    scene.apply(queue(maxRunning=1), experiment("other"), job("first"))
    scene.until("first", "Started")
    study = ["study-1", "study-2", "study-3"]
    scene.apply(*map(job, study))
    scene.until("study-3", "Queued", "QueueFull")

    scene.apply(job("one", experiment="other"))
    ahead = "position 1 of 4 in queue cpu (1 of 1 running)"
    scene.until("one", "Queued", "QueueFull", says=ahead)
    scene.let("first", RUNS_OUT)

    scene.until_states(dict.fromkeys((*study, "one"), "Finished"))
    assert in_the_order_released(scene.history(BATCH_JOB, since))[:2] == ["first", "one"]


def test_a_job_that_no_node_can_take_gives_its_place_to_others_and_asks_again(
    scene: Scene,
) -> None:
    worker = {"name": "worker", "resources": {"requests": {"memory": "9000Gi"}}}
    huge = job("huge", priority=1, podTemplate={"spec": {"containers": [worker]}})
    scene.apply(queue(maxRunning=1, placementTimeoutSeconds=1), huge)
    scene.until("huge", "Queued", "Unschedulable")

    scene.apply(job("small"))

    scene.until("small", "Finished")
    state = scene.status("huge")["requeueState"]
    assert state["count"] == 1
    assert "Insufficient memory" in state["message"]
    events = scene.kubectl("get", "events", "--field-selector", "reason=PlacementTimeout")
    assert "(queue cpu's placementTimeoutSeconds): gives its place back" in events
    # Nobody waits any more.
    scene.until("huge", "Queued", "Unschedulable")
    assert scene.status("huge")["requeueState"] == state


def test_a_job_whose_pods_are_refused_gives_its_place_to_others_too(scene: Scene) -> None:
    scene.apply(queue(maxRunning=1, placementTimeoutSeconds=1))
    scene.apply(job("refused", priority=1, priorityClassName="urgent"))
    scene.until("refused", "Queued", "PodRejected")

    scene.apply(job("small"))

    scene.until("small", "Finished")
    state = scene.status("refused")["requeueState"]
    words = "the API server refuses its pods: no PriorityClass with name urgent was found"
    assert (state["count"], state["message"]) == (1, words)


def test_a_job_whose_image_is_not_there_gives_its_place_to_others_and_fails_in_its_time(
    scene: Scene,
) -> None:
    scene.apply(queue(maxRunning=1, placementTimeoutSeconds=1, startDeadlineSeconds=20))
    scene.let("broken", [waiting("ErrImagePull", "no such image")])
    scene.apply(job("broken", priority=1))
    scene.until("broken", "Queued", "ImagePullBackOff")

    scene.apply(job("good"))

    scene.until("good", "Finished")
    assert not scene.status("broken").get("completionTime")
    state = scene.status("broken")["requeueState"]
    assert (state["count"], "no such image" in state["message"]) == (1, True)
    status = scene.until("broken", "Failed", "ImagePullBackOff")
    assert "ImagePullBackOff for 20 s (queue cpu's startDeadlineSeconds)" in status["message"]


def test_a_held_queue_starts_nothing_and_lets_run_what_runs(scene: Scene) -> None:
    scene.let("running", RUNS_ON)
    scene.apply(job("running"))
    scene.until("running", "Started")

    scene.patch(QUEUE, "cpu", {"stopPolicy": "Hold"})
    scene.apply(job("held"))
    status = scene.until("held", "Queued", "QueueHeld")
    assert status["message"] == "queue cpu is held (stopPolicy Hold)"
    scene.kubectl("wait", "--for=condition=Active=false", "aq/cpu")
    scene.let("running", RUNS_OUT)
    scene.until("running", "Finished")
    assert scene.states()["held"] == "Queued"
    assert not scene.pods("held")

    scene.patch(QUEUE, "cpu", {"stopPolicy": "None"})
    scene.until("held", "Finished")
    scene.kubectl("wait", "--for=condition=Active", "aq/cpu")


def test_a_drained_queue_stops_what_runs_and_runs_it_anew_when_it_is_released(
    scene: Scene,
) -> None:
    scene.let("a", RUNS_ON)
    scene.apply(job("a"), job("b", "a"))
    scene.until("a", "Started")
    run = scene.status("a")["mlflowRunId"]

    scene.patch(QUEUE, "cpu", {"stopPolicy": "HoldAndDrain"})
    scene.until("a", "Queued", "QueueHeld")
    eventually(lambda: not scene.pods("a"))
    assert scene.get(BATCH_JOB, "a")["spec"]["suspend"] is True
    scene.let("a", RUNS_OUT)
    scene.patch(QUEUE, "cpu", {"stopPolicy": "None"})

    scene.until_states({"a": "Finished", "b": "Finished"})
    assert scene.status("a")["mlflowRunId"] == scene.run("a").info.run_id == run


def test_a_queue_that_is_given_more_places_fills_them_at_once(scene: Scene) -> None:
    names = ["a", "b", "c"]
    for name in names:
        scene.let(name, RUNS_ON)
    scene.apply(queue(maxRunning=0), *map(job, names))
    for name in names:
        scene.until(name, "Queued", "QueueFull")
    eventually(lambda: places(scene) == {"queued": 3, "running": 0})

    scene.patch(QUEUE, "cpu", {"maxRunning": 2})

    scene.until_states({"a": "Started", "b": "Started", "c": "Queued"})
    eventually(lambda: places(scene) == {"queued": 1, "running": 2})
    scene.patch(QUEUE, "cpu", {"maxRunning": None})
    scene.until("c", "Started")


def places(scene: Scene) -> Body:
    status = scene.status("cpu", QUEUE)
    return {name: status.get(name) for name in ("queued", "running")}


def test_jobs_go_to_the_nodes_of_their_own_queue_with_what_it_gives_each(scene: Scene) -> None:
    toleration = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    resources = {"requests": {"cpu": "500m"}, "limits": {"memory": "1Gi"}}
    scene.apply(
        queue("gpu", tolerations=[toleration], resources=resources, maxRunning=1),
        experiment("other", queue="gpu"),
        job("a", experiment="other"),
        job("b", queue="gpu"),
        job("c"),
    )

    scene.until_states(dict.fromkeys("abc", "Finished"))
    assert {name: scene.status(name)["queue"] for name in "abc"} == {
        "a": "gpu",
        "b": "gpu",
        "c": "cpu",
    }
    for name in "ab":
        spec = scene.pods(name)[0]["spec"]
        assert toleration in spec["tolerations"]
        assert spec["nodeSelector"] == {"alidade.dev/pool": "cpu"}
        assert spec["containers"][0]["resources"] == resources | {
            "requests": {"cpu": "500m", "memory": "1Gi"}
        }


def test_a_job_that_runs_stays_with_its_queue_when_its_experiment_names_another(
    scene: Scene,
) -> None:
    scene.let("a", RUNS_ON)
    scene.apply(queue("gpu", stopPolicy="HoldAndDrain"), job("a"))
    scene.until("a", "Started")

    scene.patch(EXPERIMENT, "bench", {"queue": "gpu"})
    scene.apply(job("b"))
    held = scene.until("b", "Queued", "QueueHeld")
    assert held["queue"] == "gpu"
    status = scene.until("a", "Started")
    assert status["queue"] == "cpu"

    scene.patch(QUEUE, "cpu", {"stopPolicy": "HoldAndDrain"})
    scene.until("a", "Queued", "QueueHeld")
    eventually(lambda: scene.status("a")["queue"] == "gpu")
    scene.let("a", RUNS_OUT)
    scene.patch(QUEUE, "gpu", {"stopPolicy": "None"})
    scene.until_states({"a": "Finished", "b": "Finished"})


def test_a_change_of_the_queue_reaches_jobs_that_still_wait(scene: Scene) -> None:
    scene.let("a", RUNS_ON)
    scene.apply(job("a"), job("b", "a"))
    scene.until("a", "Started")
    scene.until("b", "Waiting", "DependencyPending")

    scene.patch(QUEUE, "cpu", {"resources": {"limits": {"memory": "2Gi"}}})
    eventually(lambda: limits(scene.get(BATCH_JOB, "b")["spec"]["template"]) == {"memory": "2Gi"})
    scene.let("a", RUNS_OUT)

    scene.until("b", "Finished")
    assert limits(scene.pods("b")[0]) == {"memory": "2Gi"}
    assert limits(scene.pods("a")[0]) == {}


def limits(pod: Body) -> Body:
    found: Body = pod["spec"]["containers"][0]["resources"].get("limits", {})
    return found


def test_without_kueue_a_job_for_it_says_so_and_can_be_taken_back(scene: Scene) -> None:
    scene.apply(queue(kueueLocalQueue="team"), job("a"))
    eventually(lambda: "there is no Kueue on this cluster" in scene.status("a").get("message", ""))
    scene.until("a", "Queued", "KueuePending")

    scene.patch(QUEUE, "cpu", {"kueueLocalQueue": None})
    scene.until("a", "Finished")


def test_a_queue_that_is_wrong_in_itself_fails_no_job(scene: Scene) -> None:
    # What a definition's rules can tell is refused when it is applied; this they leave through.
    scene.apply(queue(nodeSelector={f"{'.'.join(26 * ['long-name'])}/pool": "cpu"}), job("a"))
    status = scene.until("a", "Waiting", "QueueInvalid", says="queue cpu is wrong in itself: ")
    assert "nodeSelector" in status["message"]

    def told(status: str) -> bool:
        conditions = scene.status("cpu", QUEUE).get("conditions", ())
        return any((c["type"], c["status"]) == ("Valid", status) for c in conditions)

    eventually(lambda: told("False"))
    scene.apply(queue())
    scene.until("a", "Finished")
    eventually(lambda: told("True"))
