"""`make demo` with two epochs, and what it leaves: the acceptance test of the whole."""

import itertools
import os
import subprocess
from typing import Any

import pytest
import yaml
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.support.cluster import WAIT, Cluster
from tests.support.sources import REPOSITORY

MODELS = ("mnist_le_net", "mnist_shallow_net")
NETWORKS = ("le-net", "shallow-net")
JOBS = {
    *(f"train-{network}" for network in NETWORKS),
    *(f"fgm-{network}" for network in NETWORKS),
    *(f"infer-{shown}-on-fgm-{attacked}" for shown in NETWORKS for attacked in NETWORKS),
}
MEASURES = (
    "l_infinity_norm", "l_1_norm", "l_2_norm", "cosine_similarity", "euclidean_distance",
    "manhattan_distance", "wasserstein_distance",
)  # fmt: skip
STATISTICS = ("mean", "median", "stdev", "iqr", "min", "max")
DEFAULT = Cluster("default")


@pytest.fixture(scope="module")
def demo() -> str:
    """Run the demonstration; return what it printed."""
    done = subprocess.run(
        ["make", "demo"],
        cwd=REPOSITORY,
        env={**os.environ, "EPOCHS": "2"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def statuses(demo: str) -> dict[str, dict[str, Any]]:
    assert demo
    DEFAULT.kubectl("wait", "--for=condition=Tracked", "ajob", *JOBS, WAIT)
    return {
        job["metadata"]["name"]: job["status"]
        for job in DEFAULT.list("jobs.alidade.dev")
        if job["spec"]["experiment"] == "mnist"
    }


@pytest.fixture
def runs(statuses: dict[str, dict[str, Any]], tracking: MlflowClient) -> dict[str, Run]:
    return {name: tracking.get_run(status["mlflowRunId"]) for name, status in statuses.items()}


def test_all_eight_jobs_finish(statuses: dict[str, dict[str, Any]]) -> None:
    assert {name: status["state"] for name, status in statuses.items()} == dict.fromkeys(
        JOBS, "Finished"
    )
    assert len({status["mlflowRunId"] for status in statuses.values()}) == len(JOBS)


def test_every_run_ends_as_its_job(runs: dict[str, Run]) -> None:
    assert {name: run.info.status for name, run in runs.items()} == dict.fromkeys(JOBS, "FINISHED")
    assert all(run.data.tags["alidade.dev/job"] == name for name, run in runs.items())


def test_no_job_started_before_its_dependencies_had_ended(
    statuses: dict[str, dict[str, Any]],
) -> None:
    for name, status in statuses.items():
        for dependency in status.get("dependencies", ()):
            ended = statuses[dependency["name"]]["completionTime"]
            assert ended <= status["startTime"], f"{name} on {dependency['name']}"


def test_every_attack_lowers_the_accuracy_of_every_model(runs: dict[str, Run]) -> None:
    for shown, attacked in itertools.product(NETWORKS, repeat=2):
        clean = runs[f"train-{shown}"].data.metrics["accuracy"]
        under_attack = runs[f"infer-{shown}-on-fgm-{attacked}"].data.metrics["accuracy"]
        assert clean > 0.85
        assert under_attack < clean - 0.05


def test_all_42_distances_of_an_attack_are_logged(runs: dict[str, Run]) -> None:
    wanted = {f"{measure}_{statistic}" for measure in MEASURES for statistic in STATISTICS}
    assert len(wanted) == 42
    for network in NETWORKS:
        metrics = runs[f"fgm-{network}"].data.metrics
        assert wanted <= metrics.keys()
        assert metrics["l_infinity_norm_max"] == pytest.approx(0.3, abs=1e-5)


def test_attacks_leave_their_images(runs: dict[str, Run], tracking: MlflowClient) -> None:
    for network in NETWORKS:
        run_id = runs[f"fgm-{network}"].info.run_id
        files = {artifact.path for artifact in tracking.list_artifacts(run_id)}
        assert {"testing_adversarial_fgm.tar.gz", "distance_metrics.csv.gz"} <= files


def test_values_flow_from_job_to_job(
    statuses: dict[str, dict[str, Any]], runs: dict[str, Run], tracking: MlflowClient
) -> None:
    for shown, attacked in itertools.product(NETWORKS, repeat=2):
        parameters = runs[f"infer-{shown}-on-fgm-{attacked}"].data.params
        assert parameters["run_id"] == statuses[f"fgm-{attacked}"]["mlflowRunId"]
        version = statuses[f"train-{shown}"]["outputs"]["model_version"]
        assert parameters["model_version"] == version
        registered = tracking.get_model_version(f"mnist_{shown.replace('-', '_')}", version)
        assert registered.run_id == statuses[f"train-{shown}"]["mlflowRunId"]


def test_runs_can_be_queried_by_parameters_and_tags(
    runs: dict[str, Run], tracking: MlflowClient
) -> None:
    found = tracking.search_runs(
        [DEFAULT.mlflow_experiment("mnist")],
        "params.epochs = '2' AND tags.`alidade.dev/entry-point` = 'train'",
    )
    ids = {run.info.run_id for run in found}
    assert {runs[f"train-{network}"].info.run_id for network in NETWORKS} <= ids


def test_the_matrix_is_printed_as_mlflow_has_it(demo: str, runs: dict[str, Run]) -> None:
    for attacked, model in zip(NETWORKS, MODELS, strict=True):
        row = next(line for line in demo.splitlines() if f"made against {model}" in line)
        for shown in NETWORKS:
            accuracy = runs[f"infer-{shown}-on-fgm-{attacked}"].data.metrics["accuracy"]
            assert f"{accuracy:.1%}" in row


def test_kubectl_shows_both_kinds_of_jobs(demo: str, statuses: dict[str, dict[str, Any]]) -> None:
    assert demo
    plain = {
        line.split()[0]: line.split()[1] for line in DEFAULT.kubectl("get", "jobs").splitlines()
    }
    assert {name: plain.get(name) for name in JOBS} == dict.fromkeys(JOBS, "Complete")
    head, *lines = DEFAULT.kubectl("get", "jobs.alidade.dev").splitlines()
    columns = ["NAME", "STATE", "EXPERIMENT", "ENTRY POINT", "QUEUE", "MLFLOW RUN", "REASON", "AGE"]
    assert [column.strip() for column in head.split("   ") if column.strip()] == columns
    shown = {line.split()[0]: line for line in lines}
    assert all(statuses[name]["mlflowRunId"] in shown[name] for name in JOBS)


def test_the_experiment_is_complete(demo: str) -> None:
    assert demo
    DEFAULT.kubectl("wait", "--for=condition=Complete", "experiments/mnist", WAIT)
    assert DEFAULT.get("experiments", "mnist")["status"]["jobs"]["finished"] == len(JOBS)


def test_applied_in_reverse_the_end_is_the_same(cluster: Cluster) -> None:
    files = sorted((REPOSITORY / "examples/mnist/manifests").glob("*.yaml"))
    manifests = [m for file in files for m in yaml.safe_load_all(file.read_text())]
    for manifest in reversed(manifests):
        if manifest["spec"].get("entryPoint") == "train":
            manifest["spec"]["parameters"][0] = {"name": "epochs", "value": "1"}
        cluster.apply(manifest)
    ends = cluster.wait_for_ends()
    assert {name: status["state"] for name, status in ends.items()} == dict.fromkeys(
        JOBS, "Finished"
    )
