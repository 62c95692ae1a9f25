"""What the tests of kubernetes-sigs/jobset say of dependsOn, asked of Alidade.

Words: a ReplicatedJob is a Job, a JobSet an Experiment. The status Complete is the condition
Complete; Ready is Started, which asks for a pod that ran, not for one that passes its probe.
"""

import pytest
import yaml

from tests.integration.scene import BATCH_JOB, EXPERIMENT, JOB, Scene
from tests.support.kubelet import failed, running, succeeded, waiting
from tests.support.manifests import IMAGE, Body, job
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("operator")

PULLS = [waiting("ContainerCreating", "")]
RUNS_ON = [*PULLS, running()]
RUNS_OUT = [*RUNS_ON, succeeded()]
FAILS = [running(), failed(1)]


def on(name: str, condition: str) -> Body:
    return {"name": name, "condition": condition}


def until_told(scene: Scene, name: str, message: str) -> None:
    eventually(lambda: scene.status(name).get("message") == message)


def conditions_of(scene: Scene) -> dict[str, str]:
    conditions = scene.status("bench", EXPERIMENT).get("conditions", ())
    return {c["type"]: c["status"] for c in conditions if c["type"] in ("Complete", "Failed")}


def test_a_job_starts_when_the_one_it_wants_started_runs(scene: Scene) -> None:
    """jobset_controller_test.go: rjob-b depends on ready status of rjob-a. The same."""
    scene.let("a", PULLS)
    scene.let("b", RUNS_ON)
    scene.apply(job("a"), job("b", on("a", "Started")))
    scene.until("a", "Queued", "PodPending")
    until_told(scene, "b", "waits for a (Queued) to be Started")

    scene.let("a", RUNS_ON)

    scene.until_states({"a": "Started", "b": "Started"})


def test_a_chain_of_a_complete_and_a_started_job_starts_link_by_link(scene: Scene) -> None:
    """rjob-b depends on complete status of rjob-a, and rjob-c depends on ready status of rjob-b.

    In jobset_controller_test.go. The same.
    """
    for name in ("a", "b", "c"):
        scene.let(name, RUNS_ON)
    scene.apply(job("a"), job("b", "a"), job("c", on("b", "Started")))
    scene.until("a", "Started")
    until_told(scene, "b", "waits for a (Started) to be Complete")
    until_told(scene, "c", "waits for b (Waiting) to be Started")

    scene.let("a", RUNS_OUT)
    scene.until_states({"a": "Finished", "b": "Started", "c": "Started"})
    for name in ("b", "c"):
        scene.let(name, RUNS_OUT)

    eventually(lambda: conditions_of(scene) == {"Complete": "True", "Failed": "False"})


def test_a_job_waits_for_the_last_of_those_that_are_to_be_complete(scene: Scene) -> None:
    """rjob-c depends on complete status of rjob-a and rjob-b. The same.

    In jobset_controller_test.go; depends_on_test.go: one depends on ReplicatedJob doesn't reach
    complete status; e2e_test.go: trainer-node Job depends on dataset initializer and model
    initializer Jobs completion.
    """
    scene.let("dataset", RUNS_ON)
    scene.apply(job("trainer", "model", "dataset"), job("model"), job("dataset"))
    scene.until_states({"model": "Finished", "dataset": "Started"})
    until_told(scene, "trainer", "waits for dataset (Started) to be Complete")
    eventually(lambda: scene.get(BATCH_JOB, "trainer")["spec"]["suspend"] is True)

    scene.let("dataset", RUNS_OUT)

    scene.until("trainer", "Finished")


def test_a_job_may_want_one_started_and_another_complete(scene: Scene) -> None:
    """rjob-c depends on ready status of rjob-a and complete status of rjob-b. The same.

    In jobset_controller_test.go.
    """
    scene.let("a", RUNS_ON)
    scene.let("b", RUNS_ON)
    scene.apply(job("a"), job("b"), job("c", on("a", "Started"), "b"))
    scene.until_states({"a": "Started", "b": "Started"})
    until_told(scene, "c", "waits for b (Started) to be Complete")

    scene.let("b", RUNS_OUT)

    scene.until("c", "Finished")
    assert scene.states()["a"] == "Started"


def test_a_suspended_job_holds_what_depends_on_it_until_it_is_resumed(scene: Scene) -> None:
    """Resume suspended JobSet when rjob-b depends on ready status of rjob-a.

    In jobset_controller_test.go. The same; suspend is a field of each job, not of the set.
    """
    for name in ("a", "b"):
        scene.let(name, RUNS_ON)
    scene.apply(job("a", suspend=True), job("b", on("a", "Started")))
    scene.until("a", "Queued", "Suspended")
    scene.until("b", "Waiting", "DependencyPending")
    assert not scene.pods("a") + scene.pods("b")

    scene.patch(JOB, "a", {"suspend": False})

    scene.until_states({"a": "Started", "b": "Started"})


def test_suspending_a_job_stops_none_that_it_already_let_run(scene: Scene) -> None:
    """jobset_controller_test.go: suspend a running jobset. Differs.

    A JobSet stops as a whole. Jobs are stopped one by one, and a condition that held has held.
    """
    for name in ("a", "b"):
        scene.let(name, RUNS_ON)
    scene.apply(job("a"), job("b", on("a", "Started")))
    scene.until("b", "Started")

    scene.patch(JOB, "a", {"suspend": True})
    scene.until("a", "Queued", "Suspended")
    eventually(lambda: not scene.pods("a"))
    scene.apply(job("late", on("a", "Started")))

    scene.until("late", "Finished")
    assert scene.states() == {"a": "Queued", "b": "Started", "late": "Finished"}


def test_a_job_may_depend_on_one_that_comes_later(scene: Scene) -> None:
    """jobset_webhook_test.go: job-2 depends on job-3; on an invalid one. Differs.

    A JobSet lists its jobs, and each may depend on those before it, never the first; an unknown
    name is refused. Jobs are objects of their own, in any order: a name that nobody bears yet is
    waited for, and told.
    """
    scene.apply(job("job-1", "job-2"))
    scene.until("job-1", "Waiting", "DependencyNotFound")
    scene.apply(job("job-2", "job-3"))
    missing = scene.until("job-2", "Waiting", "DependencyNotFound")["message"]
    assert missing == "no job 'job-3' in this namespace (yet)"
    scene.until("job-1", "Waiting", "DependencyPending")

    scene.apply(job("job-3"))

    scene.until_states(dict.fromkeys(("job-1", "job-2", "job-3"), "Finished"))


def test_a_condition_that_does_not_exist_is_refused(empty_scene: Scene) -> None:
    """jobset_webhook_test.go: DependsOn list must contain valid ReplicatedJob status. The same.

    Its example differs: a JobSet fails as a whole, so no job of it could come after a failure, and
    Failed is refused. Jobs fail alone, and Failed is a condition.
    """
    for condition in ("Ready", "Succeeded", ""):
        answer = empty_scene.apply(job("b", on("a", condition)), check=False)
        assert f'spec.dependsOn[0].condition: Unsupported value: "{condition}"' in answer

    assert not empty_scene.exists(JOB, "b")


def test_dependencies_cannot_be_changed(empty_scene: Scene) -> None:
    """jobset_webhook_test.go: DependsOn must be immutable. The same."""
    empty_scene.apply(job("b", on("a", "Started")))

    for changed in (on("a", "Complete"), on("other", "Started")):
        answer = empty_scene.apply(job("b", changed), check=False)
        assert "dependsOn cannot be changed" in answer

    [kept] = empty_scene.get(JOB, "b")["spec"]["dependsOn"]
    assert kept == on("a", "Started") | {"onUnsatisfied": "Skip"}


def test_a_job_is_named_once_and_many_jobs_may_be(scene: Scene) -> None:
    """jobset_types.go: dependsOn is a map by name, of 5 entries at most. The same, but for 64."""
    names = [f"a{number}" for number in range(6)]

    answer = scene.apply(job("twice", on("a0", "Started"), on("a0", "Complete")), check=False)
    scene.apply(*map(job, names), job("b", *names))

    assert "Duplicate value" in answer
    scene.until("b", "Finished")
    assert not scene.exists(JOB, "twice")


def test_an_experiment_is_over_when_all_of_its_jobs_are(scene: Scene) -> None:
    """jobset_controller_test.go: three entries on what a failure, or an open job, does to the set.

    «should not succeed if any job is not completed» is the same. «with no failure policy should
    fail if any jobs fail» and «active jobs are deleted after jobset fails» differ: the others run
    on, as each is worth having, and the experiment fails once nothing more can come of it.
    """
    scene.let("bad", FAILS)
    scene.let("slow", RUNS_ON)
    scene.apply(job("good"), job("bad"), job("slow"), job("after-slow", "slow"))
    scene.until_states({"good": "Finished", "bad": "Failed", "slow": "Started"})
    eventually(lambda: conditions_of(scene) == {"Complete": "False", "Failed": "False"})

    scene.let("slow", RUNS_OUT)

    eventually(lambda: conditions_of(scene) == {"Complete": "False", "Failed": "True"})
    scene.until_states({"slow": "Finished", "after-slow": "Finished"})


def test_a_failure_that_no_attempt_can_mend_skips_what_depends_on_it_at_once(scene: Scene) -> None:
    """jobset_controller_test.go: jobset fails immediately with FailJobSet. The same, job by job.

    The policy is batch/v1's podFailurePolicy; what else is to end is told by dependsOn.
    """
    scene.let("a", [running(), failed(64, "no such parameter")])
    codes = {"containerName": "worker", "operator": "In", "values": [64]}
    policy = {"rules": [{"action": "FailJob", "onExitCodes": codes}]}

    scene.apply(job("a", backoffLimit=5, podFailurePolicy=policy), job("b", "a"))

    message = scene.until("b", "Skipped")["message"]
    assert message == "a failed: InvalidParameters, exit code 64: no such parameter"
    assert len(scene.pods("a")) == 1


def test_applying_the_same_again_makes_no_new_generation(scene: Scene) -> None:
    """e2e_test.go: should not increment generation when re-applying the same. The same.

    Neither while a job waits nor after its end, when the operator has written its status.
    """
    manifests = [job("a"), job("b", "a", "missing")]
    text = yaml.safe_dump_all(manifests)

    def apply() -> None:
        scene.kubectl("apply", "--server-side", "-f", "-", stdin=text)

    apply()
    apply()
    scene.until_states({"a": "Finished", "b": "Waiting"})
    apply()
    scene.until_states({"a": "Finished", "b": "Waiting"})

    assert {j["metadata"]["generation"] for j in scene.all_of(JOB)} == {1}
    assert len(scene.pods("a")) == 1


def test_a_failed_job_that_expired_still_counts(scene: Scene) -> None:
    """jobset_controller_test.go: delete it after configured ttl duration passes. The same.

    Beyond it: what depends on an expired job goes on by how it ended.
    """
    scene.let("expires", FAILS)
    scene.let("stays", RUNS_ON)
    scene.apply(
        job("expires", ttlSecondsAfterFinished=1),
        job("stays"),
        job("after", on("expires", "Failed"), on("stays", "Failed")),
    )
    scene.until_gone(JOB, "expires")
    scene.until("after", "Waiting", "DependencyPending")

    scene.let("stays", [*RUNS_ON, failed(1)])

    ended = scene.until("after", "Finished")["dependencies"]
    assert [(entry["name"], entry["met"]) for entry in ended] == [
        ("expires", True),
        ("stays", True),
    ]
    assert scene.exists(JOB, "stays")


def test_a_batch_job_that_is_nobodys_does_not_count(scene: Scene) -> None:
    """jobset_controller_test.go: ignore jobs with same owner name but different owner UID.

    The same, for what a dependency is met by: a Job of Alidade, never a batch/v1 Job of its name.
    """
    pod = {"restartPolicy": "Never", "containers": [{"name": "worker", "image": IMAGE}]}
    # Of no completions at all it is complete at once.
    spec = {"completions": 0, "template": {"spec": pod}}
    scene.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"}, "spec": spec})
    scene.kubectl("wait", "--for=condition=Complete", "jobs.batch/a", "--timeout=60s")

    scene.apply(job("b", "a"))
    scene.until("b", "Waiting", "DependencyNotFound")
    scene.apply(job("a"))

    scene.until("a", "Waiting", "NameConflict")
    scene.until("b", "Waiting", "DependencyPending")
    assert not scene.pods("a") + scene.pods("b")
