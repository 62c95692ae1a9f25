"""`kubectl alidade` against a real API server, the real operator and a real MLflow."""

import json
from pathlib import Path

import pytest
import yaml

from tests.integration.scene import QUEUE, Scene
from tests.support.command_line import CommandLine
from tests.support.kubelet import failed, running, succeeded
from tests.support.kubelet_logs import line
from tests.support.manifests import EXPERIMENT, job, queue

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def run(
    scene: Scene,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> CommandLine:
    """Run a command; return its exit code and what it printed."""
    monkeypatch.setenv("KUBECONFIG", str(scene.kubeconfig(tmp_path)))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", scene.tracking.uri)
    return CommandLine(monkeypatch, capsys)


def test_a_job_is_submitted_and_its_end_is_the_commands(run: CommandLine, scene: Scene) -> None:
    scene.let("train", [running(), succeeded({"version": "3"})])
    scene.let("bad", [running(), failed(1, "ValueError: eps")])
    submit = ("submit", "-", "train", "--wait")
    code, said = run(*submit, "--name", "train", "-P", "eps=0.1")
    assert (code, said) == (0, "job.alidade.dev/train Finished\n")
    values = ("--from", "run=train:mlflowRunId", "--from", "version=train:version")
    code, said = run(*submit, "--name", "bad", *values, "-o", "json")
    assert code == 10
    told = json.loads(said)
    assert told["kind"] == "Job"
    assert {p["name"]: p["value"] for p in told["status"]["parameters"]} == {
        "run": scene.status("train")["mlflowRunId"],
        "version": "3",
    }
    assert run(*submit, "--name", "skipped", "--after", "bad")[0] == 11
    assert run("wait", "train", "bad", "-o", "name")[0] == 10


def test_the_logs_of_what_is_submitted_come_as_they_are_written(
    run: CommandLine, scene: Scene
) -> None:
    scene.let("train", [running(), failed(3, "ValueError: eps")])
    code, said = run("submit", "-", "train", "--name", "train", "--follow")
    (pod,) = (pod["metadata"]["name"] for pod in scene.pods("train"))
    assert (code, said) == (10, line(pod))
    assert run("submit", "-", "--follow", "-o", "json")[0] == 2


def test_the_graph_and_the_root_of_a_failure_are_shown(run: CommandLine, scene: Scene) -> None:
    scene.let("train", [running(), failed(3, "ValueError: eps")])
    scene.apply(job("train"), job("fgm", "train"), job("infer", "fgm"))
    scene.until("infer", "Skipped")
    code, said = run("tree")
    assert code == 0
    top, below, last = said.splitlines()
    assert top.startswith("train Failed Error: ")
    assert below.startswith("└── fgm Skipped DependencyUnsatisfied: ")
    assert last.startswith("    └── infer Skipped ")
    code, said = run("why", "infer")
    assert code == 0
    assert "    job train is Failed: Error (exit code 3)" in said.splitlines()
    assert "ValueError: eps" in said
    assert run("why", "infer", "-o", "name") == (0, "job/train\n")
    assert yaml.safe_load(run("tree", "-o", "yaml")[1].split("---")[0])["kind"] == "Job"


def test_logs_and_results_are_shown(run: CommandLine, scene: Scene) -> None:
    scene.apply(job("train"))
    assert run("wait", "train") == (0, "job.alidade.dev/train Finished\n")
    (pod,) = scene.pods("train")
    name = pod["metadata"]["name"]
    assert run("logs", "train") == (0, line(name))
    assert run("logs", "-f", "--prefix", "train") == (0, f"{name}/worker: {line(name)}")
    run_id = scene.run("train").info.run_id
    scene.tracking.client.log_metric(run_id, "accuracy", 0.75)
    code, said = run("results")
    head, row = said.splitlines()
    assert (code, head.split(), row.split()) == (
        0,
        ["JOB", "RUN", "accuracy"],
        ["train", "FINISHED", "0.75"],
    )
    assert run("results", "-e", EXPERIMENT, "-o", "name") == (0, f"{run_id}\n")


def test_jobs_are_cancelled_and_run_again(run: CommandLine, scene: Scene) -> None:
    scene.let("train", [running()])
    scene.apply(job("train"), job("fgm", "train"))
    assert run("cancel", "train") == (0, "job.alidade.dev/train cancelled\n")
    assert run("wait", "train")[0] == 12
    code, said = run("rerun", "train", "--dependents", "-o", "name")
    assert (code, said) == (0, "job.alidade.dev/train-r2\njob.alidade.dev/fgm-r2\n")


def test_what_is_wrong_has_a_code_and_a_line(run: CommandLine, scene: Scene) -> None:
    assert run("why", "train") == (
        3,
        f"error: there is no job 'train' in namespace {scene.namespace}\n",
    )
    code, said = run("submit", "-", "-P", "a=b", "--queue", "Not A Name")
    assert code == 5
    assert "spec.queue" in said
    assert run("submit", "missing")[0] == 8


def test_doctor_finds_what_is_planted(run: CommandLine, scene: Scene) -> None:
    scene.apply(
        queue("held", stopPolicy="Hold"),
        queue("elsewhere", nodeSelector={"alidade.dev/pool": "none"}),
    )
    scene.kubectl("wait", "--for=condition=Active", "aq/elsewhere", "--timeout=60s")
    code, said = run("doctor", "-o", "json")
    assert code == 13
    faults = [each["what"] for each in json.loads(said)["faults"]]
    # The operator runs beside the cluster here, and not in it.
    assert faults == [
        "there is no installation 'alidade' in namespace alidade",
        "there is no Deployment of the operator in namespace alidade",
        "no operator leads: nobody holds the Lease",
        "queue 'elsewhere' has no node to run on: none has the labels alidade.dev/pool=none",
        "queue 'held' starts no jobs: its stopPolicy is Hold",
    ]
    scene.delete(QUEUE, "held")
    said = run("doctor")[1]
    assert "✗ queue 'elsewhere'" in said
    assert "  → kubectl label node NAME alidade.dev/pool=none" in said
