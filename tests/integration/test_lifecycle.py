"""One job's life: held and resumed, cancelled, deleted, tried again, and what is left of it."""

import pytest

from tests.integration.scene import BATCH_JOB, EXPERIMENT, JOB, QUEUE, Scene
from tests.support.kubelet import Report, evicted, failed, oom_killed, running, succeeded
from tests.support.manifests import experiment, job, queue
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("operator")

RUNS_ON = [running()]
RUNS_OUT = [running(), succeeded()]


def test_a_suspended_job_waits_and_stops_and_goes_on_as_the_same_run(scene: Scene) -> None:
    scene.let("a", RUNS_ON)
    scene.apply(job("a", suspend=True))
    status = scene.until("a", "Queued", "Suspended")
    assert status["message"] == "spec.suspend is true"
    batch_job = eventually(lambda: scene.get(BATCH_JOB, "a"))
    assert batch_job["spec"]["suspend"] is True

    scene.patch(JOB, "a", {"suspend": False})
    first = scene.until("a", "Started")
    scene.patch(JOB, "a", {"suspend": True})
    scene.until("a", "Queued", "Suspended")
    eventually(lambda: not scene.pods("a"))
    scene.let("a", RUNS_OUT)
    scene.patch(JOB, "a", {"suspend": False})

    last = scene.until("a", "Finished")
    assert last["startTime"] == first["startTime"]
    assert last["mlflowRunId"] == first["mlflowRunId"] == scene.run("a").info.run_id
    assert (
        scene.pods("a")[0]["metadata"]["annotations"]["alidade.dev/mlflow-run-id"]
        == (first["mlflowRunId"])
    )


def test_a_suspended_job_gives_its_place_to_another(scene: Scene) -> None:
    scene.let("a", RUNS_ON)
    scene.apply(queue(maxRunning=1), job("a"))
    scene.until("a", "Started")
    scene.apply(job("b"))
    scene.until("b", "Queued", "QueueFull")

    scene.patch(JOB, "a", {"suspend": True})

    scene.until("b", "Finished")
    assert scene.states()["a"] == "Queued"


def test_a_job_can_be_cancelled_whatever_it_waits_for(scene: Scene) -> None:
    scene.let("runs", RUNS_ON)
    scene.apply(
        queue("held", stopPolicy="Hold"),
        job("runs"),
        job("waits", "runs"),
        job("queued", queue="held"),
        job("after", "runs"),
    )
    scene.until("runs", "Started")
    scene.until("waits", "Waiting", "DependencyPending")
    scene.until("queued", "Queued", "QueueHeld")
    cancelled = ("waits", "queued", "runs")

    for name in cancelled:
        scene.patch(JOB, name, {"cancel": True})

    scene.until_states(dict.fromkeys(cancelled, "Cancelled") | {"after": "Skipped"})
    assert scene.status("after")["message"] == "runs was cancelled"
    eventually(lambda: not scene.all_of(BATCH_JOB))
    eventually(lambda: not scene.pods("runs"))
    for name in ("runs", "queued"):
        scene.until_tracked(name)
        run = scene.run(name)
        assert run.info.status == "KILLED"
        assert run.data.tags["alidade.dev/message"] == "cancelled by spec.cancel"
    waits = scene.get(JOB, "waits")
    assert "mlflowRunId" not in waits["status"]
    assert not scene.tracking.runs_of(waits["metadata"]["uid"])


@pytest.mark.parametrize("cascade", ["background", "foreground"])
def test_a_deleted_job_takes_its_pods_along_and_its_run_is_killed(
    scene: Scene, cascade: str
) -> None:
    scene.let("a", RUNS_ON)
    scene.apply(job("a"))
    run_id = scene.until("a", "Started")["mlflowRunId"]

    scene.kubectl("delete", "ajob", "a", f"--cascade={cascade}")

    scene.until_gone(BATCH_JOB, "a")
    eventually(lambda: not scene.pods("a"))
    eventually(lambda: scene.tracking.client.get_run(run_id).info.status == "KILLED")


def test_a_deleted_namespace_leaves_no_run_open(scene: Scene) -> None:
    scene.let("a", RUNS_ON)
    scene.apply(job("a"), job("b", "a"))
    run_id = scene.until("a", "Started")["mlflowRunId"]

    scene.kubectl("delete", "namespace", scene.namespace, "--wait=false")

    # Its batch/v1 Job may go before the job itself, which then has failed.
    ends = {"KILLED", "FAILED"}
    eventually(lambda: scene.tracking.client.get_run(run_id).info.status in ends)


def test_a_job_deleted_and_applied_again_is_another_job(scene: Scene) -> None:
    scene.let("a", RUNS_ON, RUNS_OUT)
    scene.apply(job("a"))
    first = scene.until("a", "Started")["mlflowRunId"]

    scene.kubectl("delete", "ajob", "a")
    scene.apply(job("a"))

    second = scene.until("a", "Finished")["mlflowRunId"]
    assert second == scene.run("a").info.run_id != first
    eventually(lambda: scene.tracking.client.get_run(first).info.status == "KILLED")


def test_a_job_that_runs_goes_on_without_its_experiment_and_its_queue(scene: Scene) -> None:
    scene.let("a", RUNS_ON)
    scene.apply(job("a"), job("b", "a"))
    scene.until("a", "Started")

    scene.delete(EXPERIMENT, "bench")
    scene.delete(QUEUE, "cpu")
    scene.until("b", "Waiting", "ExperimentNotFound")
    scene.let("a", RUNS_OUT)

    scene.until("a", "Finished")
    scene.until_tracked("a")
    assert scene.run("a").info.status == "FINISHED"
    scene.apply(queue(), experiment())
    scene.until("b", "Finished")


def test_a_failure_is_told_in_the_words_of_what_failed(scene: Scene) -> None:
    ends: dict[str, tuple[Report, str, str]] = {
        "exits": (
            failed(3, "FileNotFoundError: data/train"),
            "Error",
            "failed: exit code 3: FileNotFoundError: data/train",
        ),
        "silent": (failed(1), "Error", "failed: exit code 1: worker of {pod} was here"),
        "memory": (oom_killed(), "OOMKilled", "failed: OOMKilled, exit code 137 (SIGKILL)"),
        "crashes": (
            failed(139),
            "Error",
            "failed: exit code 139 (SIGSEGV): worker of {pod} was here",
        ),
        "parameters": (
            failed(64, "parameter 'epochs' is no number: 'many'"),
            "InvalidParameters",
            "failed: InvalidParameters, exit code 64: parameter 'epochs' is no number: 'many'",
        ),
        "workflow": (
            failed(66, "no MLproject in /workflow"),
            "WorkflowNotFound",
            "failed: WorkflowNotFound, exit code 66: no MLproject in /workflow",
        ),
    }
    for name, (report, _, _) in ends.items():
        scene.let(name, [running(), report])

    scene.apply(*map(job, ends))

    for name, (_, reason, words) in ends.items():
        status = scene.until(name, "Failed")
        # What writes nothing as it ends is told by the last line of its log.
        message = words.format(pod=status["attempts"][0]["pod"])
        assert (status["reason"], status["message"]) == (reason, message)
        assert status["rootCause"]["job"] == name
        scene.until_tracked(name)
        run = scene.run(name)
        assert run.info.status == "FAILED"
        assert run.data.tags["alidade.dev/reason"] == reason
        assert run.data.tags["alidade.dev/message"] == message


def test_a_job_is_tried_again_as_often_as_it_says_and_as_often_as_nodes_let_it_down(
    scene: Scene,
) -> None:
    scene.let("flaky", [running(), failed(1, "no luck")], RUNS_OUT)
    scene.let("hopeless", [running(), failed(1, "no luck")], [running(), failed(2, "none left")])
    scene.let("unlucky", [running(), evicted("node is low on memory")], RUNS_OUT)
    scene.let("wrong", [running(), failed(64, "no such parameter")])
    not_again = {"containerName": "worker", "operator": "In", "values": [64]}
    policy = {"rules": [{"action": "FailJob", "onExitCodes": not_again}]}
    since = scene.version(JOB)

    scene.apply(
        job("flaky", backoffLimit=1),
        job("hopeless", backoffLimit=1),
        job("unlucky"),
        job("wrong", backoffLimit=5, podFailurePolicy=policy),
    )

    scene.until_states({"flaky": "Finished", "hopeless": "Failed", "unlucky": "Finished"})
    for name, cause in (
        ("flaky", "failed: exit code 1: no luck"),
        ("unlucky", "stopped: TerminationByKubelet: node is low on memory"),
    ):
        assert scene.status(name)["attempts"][0]["message"] == cause
    # The job controller pauses after a pod that failed.
    told = ("Started", "Retrying", "failed: exit code 1: no luck; next attempt: no pod yet")
    assert told in scene.said("flaky", since)
    assert scene.until("wrong", "Failed", "InvalidParameters")["message"] == (
        "failed: InvalidParameters, exit code 64: no such parameter"
    )
    assert len(scene.pods("wrong")) == 1
    assert scene.status("hopeless")["message"] == (
        "failed: exit code 2: none left (attempt 2 of 2)"
    )
    assert [attempt["reason"] for attempt in scene.status("unlucky")["attempts"]] == [
        "TerminationByKubelet",
        "Completed",
    ]
    for name, end in (("flaky", "FINISHED"), ("hopeless", "FAILED"), ("unlucky", "FINISHED")):
        pods = scene.pods(name)
        assert len(pods) == 2
        runs = {pod["metadata"]["annotations"]["alidade.dev/mlflow-run-id"] for pod in pods}
        scene.until_tracked(name)
        assert runs == {scene.run(name).info.run_id}
        assert scene.run(name).info.status == end


def test_a_job_that_runs_beyond_its_deadline_fails(scene: Scene) -> None:
    scene.let("a", RUNS_ON)

    scene.apply(job("a", activeDeadlineSeconds=1))

    status = scene.until("a", "Failed", "DeadlineExceeded")
    assert status["message"] == "failed: it ran longer than its activeDeadlineSeconds"
    scene.until_tracked("a")
    assert scene.run("a").info.status == "FAILED"


def test_a_batch_job_that_someone_deletes_is_made_anew_or_ends_the_job_that_ran(
    scene: Scene,
) -> None:
    scene.let("runs", RUNS_ON)
    scene.apply(job("runs"), job("waits", "other"))
    scene.until("runs", "Started")
    scene.until("waits", "Waiting", "DependencyNotFound")
    before = eventually(lambda: scene.get(BATCH_JOB, "waits"))["metadata"]["uid"]

    for name in ("runs", "waits"):
        scene.delete(BATCH_JOB, name)

    scene.until("runs", "Cancelled", "BackingJobDeleted")
    scene.apply(job("other"))
    scene.until("waits", "Finished")
    assert scene.get(BATCH_JOB, "waits")["metadata"]["uid"] != before


def test_an_expired_job_is_deleted_and_its_run_is_kept(scene: Scene) -> None:
    scene.apply(job("a", ttlSecondsAfterFinished=1), job("b", "a"))
    scene.until("b", "Finished")
    run_id = scene.status("b")["dependencies"][0] and scene.run("b").info.run_id

    scene.until_gone(JOB, "a")
    scene.until_gone(BATCH_JOB, "a")

    assert scene.status("b")["dependencies"][0]["state"] == "Finished"
    named = f"name = '{scene.namespace}/bench'"
    [experiment] = scene.tracking.client.search_experiments(filter_string=named)
    tags = f"tags.`alidade.dev/job` = 'a' and tags.`alidade.dev/namespace` = '{scene.namespace}'"
    [run] = scene.tracking.client.search_runs([experiment.experiment_id], tags)
    assert run.info.status == "FINISHED"
    assert run.info.run_id != run_id


def test_the_events_of_a_job_tell_its_story(scene: Scene) -> None:
    scene.let("a", [running()])
    scene.patch(QUEUE, "cpu", {"stopPolicy": "Hold"})
    scene.apply(job("a"), job("b", "a"))
    scene.until("a", "Queued", "QueueHeld")
    scene.patch(QUEUE, "cpu", {"stopPolicy": "None"})
    scene.until("a", "Started")
    scene.let("a", [running(), failed(1, "no luck")])
    scene.until("b", "Skipped")

    def told(name: str) -> list[list[str]]:
        events = scene.kubectl("events", "--for", f"jobs.alidade.dev/{name}", "--no-headers")
        return [line.split(maxsplit=4) for line in events.splitlines()]

    eventually(lambda: len(told("a")) >= 3 and len(told("b")) >= 1)
    assert [(kind, reason, message) for _, kind, reason, _, message in told("a")] == [
        ("Normal", "QueueHeld", "queue cpu is held (stopPolicy Hold)"),
        ("Normal", "Started", f"pod {pod_name(scene, 'a')} runs on node cpu-0"),
        ("Warning", "Failed", "failed: exit code 1: no luck"),
    ]
    [(age, kind, reason, _, message)] = told("b")
    assert (kind, reason, message) == ("Warning", "Skipped", "a failed: exit code 1: no luck")
    assert age.endswith("s")
    described = scene.kubectl("describe", "jobs.alidade.dev/a")
    assert "Warning  Failed" in described
    assert "failed: exit code 1: no luck" in described.partition("Events:")[2]


def pod_name(scene: Scene, name: str) -> str:
    [pod] = scene.pods(name)
    found: str = pod["metadata"]["name"]
    return found


def test_kubectl_wait_returns_when_a_job_is_complete(scene: Scene) -> None:
    scene.apply(job("a"))

    answer = scene.kubectl("wait", "--for=condition=Complete", "ajob/a", "--timeout=60s")

    assert answer == "job.alidade.dev/a condition met\n"
    assert scene.states()["a"] == "Finished"
