"""The operator's process: its probes, its metrics, its settings, its end, and who leads."""

import json

from tests.integration.conftest import NewOperator, NewScene
from tests.integration.scene import JOB, Scene
from tests.support.kubelet import failed, running, succeeded
from tests.support.manifests import experiment, job, queue
from tests.support.operator import Operator
from tests.support.polling import eventually

LEASE = ("coordination.k8s.io/v1", "Lease")


def test_it_is_ready_when_it_knows_the_cluster_and_counts_what_it_does_until_it_is_stopped(
    new_operator: NewOperator, scene: Scene
) -> None:
    scene.let("b", [running(), failed(1)])
    scene.apply(job("a"), job("b"))
    with new_operator() as operator:
        assert operator.read("/healthz") == "ok\n"
        assert operator.read("/readyz") == "ok\n"
        scene.until_states({"a": "Finished", "b": "Failed"})

        eventually(lambda: has_counted_both_ends(samples(operator)))
        assert operator.terminate() == 0
        assert json.loads(operator.log().splitlines()[-1])["event"] == "stopped"


def has_counted_both_ends(counted: dict[str, float]) -> bool:
    ends = 'alidade_jobs_ended_total{{reason="{}",state="{}"}}'
    assert counted.get(ends.format("Completed", "Finished")) == 1
    assert counted.get(ends.format("Error", "Failed")) == 1
    assert counted['alidade_reconciles_total{kind="job",result="done"}'] >= 2
    assert counted['alidade_reconcile_duration_seconds_count{kind="job"}'] >= 2
    return "alidade_workqueue_depth" in counted


def samples(operator: Operator) -> dict[str, float]:
    lines = (line for line in operator.read("/metrics").splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_wrong_settings_are_named_and_nothing_is_started(new_operator: NewOperator) -> None:
    operator = new_operator(workers="none", log_format="yaml")

    operator.start()
    eventually(lambda: not operator.runs)

    assert operator.terminate() == 2
    assert "ALIDADE_WORKERS: Input should be a valid integer" in operator.log()
    assert "ALIDADE_LOG_FORMAT: Input should be 'json' or 'console'" in operator.log()


def test_it_serves_no_other_namespaces_than_those_it_is_given(
    new_operator: NewOperator, new_scene: NewScene
) -> None:
    ours, others = new_scene(), new_scene()
    with new_operator(namespaces=f"{ours.namespace},default"):
        for scene in (others, ours):
            scene.apply(queue(), experiment(), job("a"))
        ours.until("a", "Finished")

    assert "status" not in others.get(JOB, "a")


def test_the_next_one_leads_when_the_leader_dies_or_resigns(
    new_operator: NewOperator, scene: Scene
) -> None:
    def candidate(name: str) -> Operator:
        return new_operator(
            own_namespace=scene.namespace, lease_name="alidade-operator", identity=name
        )

    def leader() -> str:
        holder = "{.spec.holderIdentity}"
        return scene.kubectl("get", "lease/alidade-operator", f"-o=jsonpath={holder}", check=False)

    def lease() -> str:
        found: str = scene.get(LEASE, "alidade-operator")["metadata"]["uid"]
        return found

    with candidate("one") as one, candidate("two") as two:
        assert leader() == "one"
        scene.let("a", [running()])
        scene.apply(job("a"), job("b", "a"))
        scene.until("a", "Started")
        assert '"synced"' not in two.log()

        one.kill()
        eventually(lambda: leader() == "two")
        scene.let("a", [running(), succeeded()])
        scene.until("b", "Finished")

        with candidate("three") as three:
            assert leader() == "two"
            before = lease()
            assert two.terminate() == 0
            eventually(lambda: leader() == "three")
            # Given up, and not run out.
            assert lease() != before
            scene.apply(job("c"))
            for name in "abc":
                scene.until_tracked(name)
                assert scene.run(name).info.status == "FINISHED"
            assert three.runs


def test_a_leader_that_was_paused_beyond_its_lease_changes_nothing_when_it_wakes(
    new_operator: NewOperator, scene: Scene
) -> None:
    def candidate(name: str) -> Operator:
        return new_operator(own_namespace=scene.namespace, lease_name="paused", identity=name)

    def leader() -> str:
        holder = "-o=jsonpath={.spec.holderIdentity}"
        return scene.kubectl("get", "lease/paused", holder, check=False)

    def told_by_one() -> int:
        events = scene.all_of(("events.k8s.io/v1", "Event"))
        return sum(
            event.get("reportingController") is not None and event.get("reportingInstance") == "one"
            for event in events
        )

    with candidate("one") as one, candidate("two") as two:
        assert leader() == "one"
        scene.let("a", [running()])
        scene.apply(job("a"))
        scene.until("a", "Started")

        one.pause()
        eventually(lambda: leader() == "two")
        scene.apply(job("b"), job("c", "b"), job("d", suspend=True))
        scene.until_states({"b": "Finished", "c": "Finished", "d": "Queued"})
        before = one.log().count('"job.state"'), told_by_one()
        # What it has to do when it wakes.
        scene.let("a", [running(), succeeded()])
        scene.patch(JOB, "d", {"suspend": False})
        one.resume()

        scene.until_states({"a": "Finished", "d": "Finished"})
        eventually(lambda: not one.runs)
        assert (one.log().count('"job.state"'), told_by_one()) == before
        assert '"election.lost"' in one.log()
        assert two.runs
