"""What becomes of pods, against what the job, its MLflow run and its dependents say of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.support.cluster import Cluster, namespace
from tests.support.command_line import CommandLine
from tests.support.manifests import IMAGE, experiment, job, queue, shell

SMALL = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "1Gi"}}
OPEN = "import mlflow, os, sys; mlflow.start_run(); "
KILLED = f"python -c '{OPEN} os.kill(os.getpid(), 9)'; exit $?"
SHOT = "bash -c 'kill -KILL $BASHPID'; exit $?"
UNCAUGHT = "python -c 'import mlflow; mlflow.start_run(); raise ValueError(\"no luck\")'"
EATS_MEMORY = "python -c 'x = bytearray(10 ** 9)'"
TIGHT = {"limits": {"memory": "64Mi"}}
ODD = r"printf 'out of \177\302\205\357\277\276\033[31m\377 paper\n'; exit 3"
ODD_OUTPUTS = r"""printf '{"x":"a\177\302\205\357\277\276b"}' >/dev/termination-log"""
TAKES_THEM = """python -c 'import json, os; given = json.loads(os.environ["ALIDADE_PARAMETERS"])
assert given["x"] == "a\\x7f\\x85\\ufffeb", ascii(given)'"""
DEALT_WITH = """python -c '
import traceback
try: raise KeyError("cache")
except KeyError: traceback.print_exc()
raise SystemExit("the labels do not fit")'"""
NOISY_END = """python -c '
import atexit
def tidy_up(): raise OSError("socket is closed")
atexit.register(tidy_up)
raise ValueError("the labels do not fit")'"""
EXITS_AS_A_WORKER = """mkdir /tmp/own
echo 'entry_points: {main: {command: echo out of ink; exit 76}}' >/tmp/own/MLproject
ALIDADE_ENTRY_POINT=main ALIDADE_WORKFLOW=/tmp/own python -m alidade_worker"""
SHOT_BESIDE_A_WORKER = """mkdir /tmp/own
echo 'entry_points: {main: {command: kill -9 $BASHPID}}' >/tmp/own/MLproject
ALIDADE_ENTRY_POINT=main ALIDADE_WORKFLOW=/tmp/own python -m alidade_worker"""
NOT_THERE = "localhost/alidade-there-is-no-such-image:dev"
# An image that is on the nodes, and not made from the worker's.
WITHOUT_WORKER = "localhost/alidade-mlflow:dev"
UNSUPPORTED = f"image {WITHOUT_WORKER} does not keep to the contract alidade-workflow-v1"
NO_CODE = {"configMap": {"name": "no-such-code", "key": "code.tgz", "sha256": 64 * "0"}}


@dataclass(frozen=True)
class Fate:
    """A job, and what has to become of it."""

    name: str
    spec: dict[str, Any]
    state: str = "Finished"
    reason: str = "Completed"
    run: str = "FINISHED"
    exit_code: int | None = None
    says: str = ""


def runs(script: str, **container: Any) -> dict[str, Any]:
    return {"podTemplate": shell(script, **container)}


def has_no_secret() -> dict[str, Any]:
    missing = {"secretKeyRef": {"name": "there-is-no-such-secret", "key": "k"}}
    return runs("true", env=[{"name": "TOKEN", "valueFrom": missing}])


def has_no_volume() -> dict[str, Any]:
    template = shell("true", volumeMounts=[{"name": "data", "mountPath": "/data"}])
    template["spec"]["volumes"] = [{"name": "data", "configMap": {"name": "no-such-map"}}]
    return {"podTemplate": template}


def is_handed_a_source() -> dict[str, Any]:
    code = {"git": {"repository": "http://there.is.none/code", "commit": 40 * "0"}}
    return {"image": WITHOUT_WORKER, "workflow": {"source": code}, "backoffLimit": 3}


def has_init_container(script: str) -> dict[str, Any]:
    template = shell("true")
    first = {"name": "fetch", "image": IMAGE, "command": ["sh", "-c", script]}
    template["spec"]["initContainers"] = [first]
    return {"podTemplate": template}


def trains(entry_point: str = "train", **parameters: str) -> dict[str, Any]:
    given = [{"name": name, "value": value} for name, value in parameters.items()]
    return {"entryPoint": entry_point, "parameters": given}


def depends(name: str, condition: str = "Complete") -> dict[str, Any]:
    return {"dependsOn": [{"name": name, "condition": condition}], **runs("true")}


def takes(output: str, of: str) -> dict[str, Any]:
    given = {"name": output, "valueFrom": {"job": of, "output": output}}
    return {"dependsOn": [{"name": of}], "parameters": [given], **runs(TAKES_THEM)}


def names_its_folder() -> dict[str, Any]:
    folder = {"name": "RESULTS", "value": "/data/$(ALIDADE_JOB)/$(MLFLOW_RUN_ID)"}
    script = 'test "$RESULTS" = "/data/names-its-folder/$MLFLOW_RUN_ID"'
    return runs(script, env=[folder])


def fails(name: str, spec: dict[str, Any], reason: str, code: int | None, says: str) -> Fate:
    return Fate(name, spec, "Failed", reason, "FAILED", code, says)


def skipped(name: str, on: str, says: str) -> Fate:
    return Fate(name, depends(on), "Skipped", "DependencyUnsatisfied", "", None, says)


def cancelled(name: str, spec: dict[str, Any], run: str) -> Fate:
    return Fate(name, spec, "Cancelled", "Cancelled", run, None, "spec.cancel")


LONG = {**runs("sleep 600"), "activeDeadlineSeconds": 5}
EATEN = "runs-out-of-memory failed: OOMKilled, exit code 137"
INVALID = "InvalidParameters"
FATES = (
    Fate("ends-well", runs("echo done")),
    Fate("exits-zero", runs("python -c 'import sys; sys.exit(0)'")),
    Fate("exits-zero-in-a-run", runs(f"python -c '{OPEN} sys.exit(0)'")),
    Fate("cleans-up", depends("exits-three", "Failed")),
    fails("exits-three", runs("echo out of paper; exit 3"), "Error", 3, "out of paper"),
    fails("exits-as-a-worker", runs(EXITS_AS_A_WORKER), "Error", 76, "exit code 76: out of ink"),
    fails("raises", runs(UNCAUGHT), "Error", 1, "no luck"),
    fails("cannot-import", runs("python -c 'import gone'"), "Error", 1, "No module named"),
    fails("speaks-oddly", runs(ODD), "Error", 3, "paper"),
    skipped("is-skipped-behind-odd-words", on="speaks-oddly", says="paper"),
    Fate("gives-odd-outputs", runs(ODD_OUTPUTS)),
    Fate("takes-odd-outputs", takes("x", of="gives-odd-outputs")),
    fails("dealt-with-another-before", runs(DEALT_WITH), "Error", 1, "the labels do not fit"),
    fails("ends-noisily", runs(NOISY_END), "Error", 1, "ValueError: the labels do not fit"),
    Fate("names-its-folder", names_its_folder()),
    fails("is-killed", {"queue": "no-limit", **runs(SHOT)}, "Error", 137, "SIGKILL"),
    fails("is-killed-within-a-limit", runs(SHOT), "OOMKilled", 137, "most likely"),
    fails("is-killed-beside-a-worker", runs(SHOT_BESIDE_A_WORKER), "Error", 137, "SIGKILL"),
    fails("is-killed-in-a-run", runs(KILLED), "OOMKilled", 137, "SIGKILL"),
    fails("has-no-command", runs("", command=["there-is-none"]), "StartError", 128, "not found"),
    fails("has-no-secret", has_no_secret(), "CreateContainerConfigError", None, "no-such-secret"),
    fails("has-no-volume", has_no_volume(), "FailedMount", None, '"no-such-map" not found'),
    fails("has-no-code", {"workflow": {"source": NO_CODE}}, "FailedMount", None, "no-such-code"),
    fails("has-no-worker", is_handed_a_source(), "SourceUnsupported", 128, UNSUPPORTED),
    fails("has-no-data", has_init_container("echo no data; exit 9"), "Error", 9, "no data"),
    cancelled("is-cancelled-waiting", depends("never"), run=""),
    cancelled("is-cancelled-queued", {"queue": "held", **runs("true")}, run="KILLED"),
    fails("runs-out-of-memory", runs(EATS_MEMORY, resources=TIGHT), "OOMKilled", 137, "OOMKilled"),
    fails("takes-too-long", LONG, "DeadlineExceeded", None, "activeDeadlineSeconds"),
    fails("misspells", trains(epoch="3"), INVALID, 64, "did you mean epochs?"),
    fails("mistypes", trains(epochs="many"), INVALID, 64, 'epochs of entry point train is "many"'),
    fails("has-no-entry-point", trains("trian"), INVALID, 64, "did you mean train?"),
    fails("has-no-image", {"image": NOT_THERE}, "ImagePullBackOff", None, "startDeadlineSeconds"),
    skipped("is-skipped", on="runs-out-of-memory", says=EATEN),
    skipped("is-skipped-behind-it", on="is-skipped", says=EATEN),
)


@dataclass(frozen=True)
class Outcome:
    cluster: Cluster
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def outcome() -> Iterator[Outcome]:
    """Run all of them at once, those that depend on others first."""
    with namespace("e2e-fates") as cluster:
        cluster.apply(*(job(fate.name, **fate.spec) for fate in reversed(FATES)))
        cluster.apply(
            experiment(),
            queue(resources=SMALL, maxRunning=8, startDeadlineSeconds=20),
            queue("held", resources=SMALL, stopPolicy="Hold"),
            queue("no-limit", resources={"requests": SMALL["requests"]}),
        )
        cluster.wait_for("is-cancelled-waiting", reason="DependencyNotFound")
        cluster.wait_for("is-cancelled-queued", reason="QueueHeld")
        for fate in FATES:
            if fate.state == "Cancelled":
                cluster.cancel(fate.name)
        yield Outcome(cluster, cluster.wait_for_ends())


@pytest.mark.parametrize("fate", FATES, ids=lambda fate: fate.name)
def test_a_job_tells_what_became_of_its_pod(fate: Fate, outcome: Outcome) -> None:
    status = outcome.statuses[fate.name]
    assert (status["state"], status["reason"]) == (fate.state, fate.reason), status["message"]
    assert fate.says in status["message"]
    if fate.state == "Failed":
        assert status["rootCause"]["job"] == fate.name
        assert status["rootCause"].get("exitCode") == fate.exit_code


@pytest.mark.parametrize(
    "fate", [f for f in FATES if f.state in {"Failed", "Skipped"}], ids=lambda fate: fate.name
)
def test_why_leads_to_the_root(fate: Fate, outcome: Outcome, command_line: CommandLine) -> None:
    code, said = command_line("why", fate.name, "-n", outcome.cluster.namespace)
    cause = outcome.statuses[fate.name]["rootCause"]
    exited = f" (exit code {cause['exitCode']})" if "exitCode" in cause else ""
    lines = [line.strip() for line in said.splitlines()]
    assert code == 0
    assert lines[0].startswith(f"job {fate.name} is {fate.state}: {fate.reason}")
    assert f"job {cause['job']} is Failed: {cause['reason']}{exited}" in lines
    assert fate.says in said
    assert {line.strip() for line in cause.get("lastLines", "").splitlines()} <= {*lines}


def test_what_a_log_said_before_its_last_line_is_kept(
    outcome: Outcome, tracking: MlflowClient
) -> None:
    cause = outcome.statuses["raises"]["rootCause"]
    assert cause["message"] == "failed: exit code 1: ValueError: no luck"
    assert "Traceback (most recent call last):" in cause["lastLines"]
    outcome.cluster.until_tracked("raises")
    run = tracking.get_run(outcome.statuses["raises"]["mlflowRunId"])
    assert run.data.tags["alidade.dev/last-lines"] == cause["lastLines"]


@pytest.mark.parametrize("fate", FATES, ids=lambda fate: fate.name)
def test_the_run_in_mlflow_ends_as_the_job(
    fate: Fate, outcome: Outcome, tracking: MlflowClient
) -> None:
    run_id = outcome.statuses[fate.name].get("mlflowRunId", "")
    if not fate.run:
        assert not run_id
        return
    outcome.cluster.until_tracked(fate.name)
    run = tracking.get_run(run_id)
    assert run.info.status == fate.run
    assert run.data.tags["alidade.dev/state"] == fate.state


def test_a_failure_is_an_event_of_its_job(outcome: Outcome) -> None:
    outcome.cluster.until_told("runs-out-of-memory", "OOMKilled")


def test_the_experiment_has_failed(outcome: Outcome) -> None:
    outcome.cluster.kubectl("wait", "--for=condition=Failed", "experiment/bench", "--timeout=30s")


def test_a_running_job_can_be_cancelled(cluster: Cluster, tracking: MlflowClient) -> None:
    cluster.apply(queue(resources=SMALL), experiment(), job("long", **runs("sleep 600")))
    status = cluster.wait_for("long", state="Started")
    cluster.cancel("long")
    cluster.until_tracked("long")
    assert cluster.job_status("long")["state"] == "Cancelled"
    cluster.until_deleted("pods", "--all")
    assert tracking.get_run(status["mlflowRunId"]).info.status == "KILLED"
