"""What Argo Workflows' own tests say of its DAGs, asked of Alidade.

Words: a task is a Job, a workflow an Experiment, an exit of a container an end of a Job.
`depends: A.Succeeded` is the condition Complete, `A.Failed` is Failed, `A.Daemoned` is Started,
`A.Succeeded || A.Failed || A.Skipped || A.Omitted` is Ended; Omitted is Skipped.
"""

import pytest

from tests.integration.scene import BATCH_JOB, EXPERIMENT, JOB, Scene, most_at_a_time
from tests.support.kubelet import failed, running, succeeded
from tests.support.manifests import Body, job, queue
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("operator")

FAILS = [running(), failed(1)]
RUNS_ON = [running()]
RUNS_OUT = [running(), succeeded()]


def on(name: str, condition: str) -> Body:
    return {"name": name, "condition": condition}


def has_failed(scene: Scene) -> bool:
    conditions = scene.status("bench", EXPERIMENT).get("conditions", ())
    return {"Failed": "True"}.items() <= {c["type"]: c["status"] for c in conditions}.items()


def test_a_diamond_with_one_bad_side_ends_failed(scene: Scene) -> None:
    """workflow/controller/dag_test.go: TestDagXfail. The same."""
    scene.let("c", FAILS)

    scene.apply(job("d", "b", "c"), job("c", "a"), job("b", "a"), job("a"))

    scene.until_states({"a": "Finished", "b": "Finished", "c": "Failed", "d": "Skipped"})
    assert scene.status("d")["rootCause"]["job"] == "c"
    eventually(lambda: has_failed(scene))


def test_what_depends_on_a_job_waits_for_its_last_attempt(scene: Scene) -> None:
    """dag_test.go: TestDagRetrySucceeded, TestDagRetryExhaustedXfail. The same.

    retryStrategy.limit is backoffLimit.
    """
    for name in ("flaky", "hopeless"):
        scene.let(name, FAILS, RUNS_ON)
    scene.apply(
        job("after-flaky", "flaky"),
        job("after-hopeless", "hopeless"),
        job("flaky", backoffLimit=1),
        job("hopeless", backoffLimit=1),
    )
    eventually(lambda: len(scene.pods("flaky")) == len(scene.pods("hopeless")) == 2)
    scene.until_states(dict.fromkeys(("flaky", "hopeless"), "Started"))
    scene.until_states(dict.fromkeys(("after-flaky", "after-hopeless"), "Waiting"))

    scene.let("flaky", FAILS, RUNS_OUT)
    scene.let("hopeless", FAILS)

    scene.until_states({"after-flaky": "Finished", "after-hopeless": "Skipped"})
    assert scene.states()["flaky"] == "Finished"
    message = scene.status("after-hopeless")["message"]
    assert message.startswith("hopeless failed: exit code 1: ")
    assert message.endswith("(attempt 2 of 2)")


def test_a_failure_stops_nothing_that_does_not_depend_on_it(scene: Scene) -> None:
    """dag_test.go: TestDagDisableFailFast. Differs from Argo's default.

    Argo starts no more tasks once one failed, unless failFast is false. Here it is always as if
    it were: each job is a measurement of its own, and is worth having whatever became of others.
    """
    scene.let("b", RUNS_ON)
    scene.let("c", FAILS)
    scene.apply(job("a"), job("b", "a"), job("c", "a"), job("d", "b"))
    scene.until("c", "Failed")
    scene.until("b", "Started")
    assert not has_failed(scene)

    scene.let("b", RUNS_OUT)

    scene.until_states({"b": "Finished", "d": "Finished"})
    eventually(lambda: has_failed(scene))


def test_a_job_runs_once_the_one_it_depends_on_has_come_to_the_end_it_wants(scene: Scene) -> None:
    """dag_test.go: TestSingleDependency. The same for Succeeded and Failed.

    Skipped differs: Argo has a word for it alone, Alidade only one for any end, as whoever
    tidies up after a job does so however it ended.
    """
    scene.let("bad", FAILS)
    wanted = {
        "good": ("Finished", "Complete"),
        "bad": ("Failed", "Failed"),
        "unwanted": ("Skipped", "Ended"),
    }

    scene.apply(
        *(job(f"after-{name}", on(name, condition)) for name, (_, condition) in wanted.items()),
        job("unwanted", on("good", "Failed")),
        job("good"),
        job("bad"),
    )

    for name, (end, _) in wanted.items():
        [entry] = scene.until(f"after-{name}", "Finished")["dependencies"]
        uid = scene.get(JOB, name)["metadata"]["uid"]
        assert entry == {"name": name, "uid": uid, "state": end, "met": True}


def test_a_fan_in_of_success_and_failure_runs_where_every_entry_holds(scene: Scene) -> None:
    """dag_test.go: TestEvaluateDependsLogic; functional_test.go: TestDAGDepends. And is the same.

    Or differs: a list of dependencies is read as and. `P || F` has no counterpart, and one that
    runs after either, whatever they came to, wants both Ended.
    """
    scene.let("f", FAILS)

    scene.apply(
        job("p"),
        job("f"),
        # P && (F.Succeeded || F.Failed)
        job("should-execute-1", "p", on("f", "Ended")),
        # P || F
        job("should-execute-2", on("p", "Ended"), on("f", "Ended")),
        # P && F
        job("should-not-execute", "p", "f"),
        # should-execute-2.Succeeded || should-not-execute
        job("should-execute-3", "should-execute-2", on("should-not-execute", "Ended")),
    )

    scene.until_states(
        {
            "should-execute-1": "Finished",
            "should-execute-2": "Finished",
            "should-not-execute": "Skipped",
            "should-execute-3": "Finished",
        }
    )


def test_what_runs_beside_a_server_is_let_run_when_the_server_fails(scene: Scene) -> None:
    """dag_test.go: TestEvaluateDependsLogicWhenDaemonFailed. The same.

    A daemoned task is a job of which Started is wanted.
    """
    scene.let("a", RUNS_ON)
    scene.let("b", RUNS_ON)
    scene.apply(job("a"), job("b", on("a", "Started")))
    scene.until_states({"a": "Started", "b": "Started"})

    scene.let("a", FAILS)
    scene.until("a", "Failed")
    scene.apply(job("late", on("a", "Started")))
    scene.let("b", RUNS_OUT)

    scene.until_states({"b": "Finished", "late": "Finished"})


def test_each_end_lets_run_what_wants_it_and_skips_what_wants_another(scene: Scene) -> None:
    """dag_test.go: TestAllEvaluateDependsLogic, TestEvaluateDependsLogicWhenTaskOmitted.

    The same, but for `!`. Nothing says «not»: of a job that is to run unless another failed, one
    says what it needs.
    """
    scene.let("failed", FAILS)
    met = {
        "finished": {"Complete", "Ended", "Started"},
        "failed": {"Failed", "Ended", "Started"},
        "skipped": {"Ended"},
    }
    pairs = [(end, c) for end in met for c in ("Complete", "Failed", "Ended", "Started")]

    scene.apply(
        job("finished"),
        job("failed"),
        job("skipped", on("finished", "Failed")),
        *(job(f"{end}-{c.lower()}", on(end, c)) for end, c in pairs),
    )

    scene.until_states(
        {f"{end}-{c.lower()}": "Finished" if c in met[end] else "Skipped" for end, c in pairs}
    )
    ended = {end: end.capitalize() for end in met}
    assert ended.items() <= scene.states().items()


def test_a_skipped_job_skips_what_depends_on_it(scene: Scene) -> None:
    """workflow/common/ancestry_test.go: TestGetTaskDependsLogic. Differs.

    A bare name in Argo is met by Succeeded, Skipped or Daemoned. Here it is Complete, met by a
    good end alone: a skipped job has no results, and what builds on it would run on nothing.
    """
    scene.apply(job("good"), job("a", on("good", "Failed")), job("b", "a"), job("c", "b"))

    scene.until_states({"a": "Skipped", "b": "Skipped", "c": "Skipped"})
    assert scene.status("c")["rootCause"] == scene.status("b")["rootCause"]
    assert scene.status("b")["rootCause"]["job"] == "good"
    assert not scene.pods("b") + scene.pods("c")


def test_a_value_from_a_job_that_never_ran_fails_the_job_that_wants_it(scene: Scene) -> None:
    """dag_test.go: TestDAGSkippedOutputRef; functional_test.go: TestDAGOmittedOutputRef. The same.

    Defaults for it (TestDAGSkippedOutputDefault) have no counterpart: a measurement made with a
    value that nobody measured is not the one that was asked for.
    """
    value = {"name": "message", "valueFrom": {"job": "b", "output": "message"}}
    run_id = {"name": "run_id", "valueFrom": {"job": "b", "field": "mlflowRunId"}}
    scene.apply(
        job("a"),
        job("b", on("a", "Failed")),
        job("c", "a", on("b", "Ended"), parameters=[value]),
        job("d", "a", on("b", "Ended"), parameters=[run_id]),
    )

    scene.until("c", "Failed", "ParameterUnresolved")
    scene.until("d", "Failed", "ParameterUnresolved")
    assert scene.states() == {"a": "Finished", "b": "Skipped", "c": "Failed", "d": "Failed"}
    assert scene.status("d")["message"] == "failed: parameter 'run_id': b has no MLflow run"
    assert not scene.pods("c") + scene.pods("d")


def test_a_circle_is_accepted_and_never_run(scene: Scene) -> None:
    """workflow/validate/validate_dag_test.go: TestDAGCycle. Differs.

    Argo sees the whole graph at once and refuses it. Jobs come one by one, in any order, and no
    rule of the API server sees two of them: the circle is found by the operator, and named.
    """
    scene.apply(job("a", "c"), job("b", "a"), job("c", "b"), job("beside"))

    for name in ("a", "b", "c"):
        scene.until(name, "Waiting", "DependencyCycle")
    scene.until("beside", "Finished")
    assert not any(scene.pods(name) for name in ("a", "b", "c"))


def test_no_more_run_at_a_time_than_is_allowed(scene: Scene) -> None:
    """dag_test.go: TestDagParallelism. The same: parallelism is the queue's maxRunning."""
    since = scene.version(BATCH_JOB)
    names = ("once", "twice", "thrice")

    scene.apply(queue(maxRunning=1), *map(job, names))

    scene.until_states(dict.fromkeys(names, "Finished"))
    assert most_at_a_time(scene.history(BATCH_JOB, since)) == 1


def test_going_on_after_a_failure_is_said_by_whoever_goes_on(scene: Scene) -> None:
    """functional_test.go: TestContinueOnFailDag; dag_test.go: TestLeafContinueOn. Differs.

    `continueOn: failed` is a word of the task that fails, Ended one of the job that depends on
    it; and a failure that was reckoned with is a failure all the same.
    """
    scene.let("f", FAILS)

    scene.apply(job("f"), job("p", on("f", "Ended")))

    scene.until_states({"f": "Failed", "p": "Finished"})
    eventually(lambda: has_failed(scene))


def test_no_attempt_is_made_after_the_deadline(scene: Scene) -> None:
    """dag_test.go: TestTerminateDAGWithMaxDurationLimitExpiredAndMoreAttempts. The same.

    The limit is activeDeadlineSeconds, over all attempts.
    """
    scene.let("a", RUNS_ON)

    scene.apply(job("a", activeDeadlineSeconds=1, backoffLimit=5), job("b", "a"), job("c", "b"))

    scene.until("a", "Failed", "DeadlineExceeded")
    scene.until_states({"b": "Skipped", "c": "Skipped"})
    assert scene.status("c")["rootCause"]["reason"] == "DeadlineExceeded"


def test_stopping_a_job_ends_what_depends_on_it(scene: Scene) -> None:
    """dag_test.go: TestTerminatingDAGWithRetryStrategyNodes. Differs in what is stopped.

    Argo terminates a workflow. Here one job is cancelled, with the attempts that it has left, and
    what can do without it goes on.
    """
    scene.let("a", RUNS_ON)
    scene.apply(job("a", backoffLimit=5), job("b", "a"), job("tidy-up", on("a", "Ended")))
    scene.until("a", "Started")

    scene.patch(JOB, "a", {"cancel": True})

    scene.until_states({"a": "Cancelled", "b": "Skipped", "tidy-up": "Finished"})
    eventually(lambda: not scene.pods("a"))


def test_an_end_stays_until_the_job_is_made_anew(scene: Scene) -> None:
    """test/e2e/cli_test.go: TestRetryOmit. Differs.

    `argo retry` lets a failed workflow go on, tasks that were omitted included. Here ends are
    final, as a job is the record of a measurement; to run it again is to replace it.
    """
    scene.let("f", FAILS, RUNS_OUT)
    manifests = job("f"), job("o", "f")
    scene.apply(*manifests)
    scene.until_states({"f": "Failed", "o": "Skipped"})

    scene.kubectl("delete", "ajob", "f")
    scene.apply(*manifests)
    scene.until("f", "Finished")
    assert scene.states()["o"] == "Skipped"

    scene.kubectl("delete", "ajob", "o")
    scene.apply(*manifests)
    scene.until("o", "Finished")
