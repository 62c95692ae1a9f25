"""The tutorial of Dioptra's testbed: its code blocks as they are, run by a plain user."""

import ast
import hashlib
import json
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from alidade_worker.images import Dataset
from mnist_robustness.data import Split, load_split, save_folders
from tests.support.cells import Cells, fenced
from tests.support.cluster import Cluster, namespace
from tests.support.manifests import POOL, queue
from tests.support.researcher import researcher
from tests.support.sources import EXAMPLE

PAGE = Path(__file__).with_name("testbed") / "tutorial.txt"
AS_PUBLISHED = "5bd6ee6cfc9c433a35857ec3f6747913b15c078c35903a9ca8fb5188d0cce42e"
# `make demo` stands for the setting up; test_tutorial.py runs it.
_, *BLOCKS = (block for _, block in fenced(PAGE))
SETTING_UP, _, CONNECT, REGISTER, FIND_QUEUE, TRAIN, *LATER = BLOCKS
*ATTACKS, MLFLOW, RUN, METRICS, PARAMETERS, TAGS = LATER
ATTACK, ITS_END, _, ITS_END_TOO = ATTACKS
RESPONSES = {
    "response_shallow_train": ("train", None),
    "response_le_net_train": ("train", None),
    "response_fgm_shallow_net": ("fgm", None),
    "response_fgm_le_net": ("fgm", None),
    "response_shallow_net_infer_shallow_net": ("infer", "response_fgm_shallow_net"),
    "response_le_net_infer_shallow_net": ("infer", "response_fgm_shallow_net"),
    "response_shallow_net_infer_le_net_fgm": ("infer", "response_fgm_le_net"),
    "response_le_net_infer_le_net_fgm": ("infer", "response_fgm_le_net"),
}
RESOURCES = {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "4Gi"}}
# On all of MNIST, on a machine that has much else to do.
TRAINING_SECONDS = 3600
FEW: dict[Split, int] = {"training": 600, "testing": 200}


@dataclass(frozen=True)
class Session:
    """What somebody has who ran all the blocks.

    Attributes:
        cluster: The namespace.
        displayed: What each block displayed.
        cells: The variables.
    """

    cluster: Cluster
    displayed: dict[str, str] = field(default_factory=dict)
    cells: Cells = field(default_factory=Cells)

    def run(self, block: str) -> None:
        """Run a block once all that was submitted before has ended."""
        if self.cluster.list("jobs.alidade.dev"):
            self.cluster.wait_for_ends(TRAINING_SECONDS)
        self.displayed[block] = self.cells.run(block)

    def answer(self, response: str) -> dict[str, Any]:
        """Ask for a job by the ID that a block was answered."""
        job_id = self.cells.names[response]["jobId"]
        found: dict[str, Any] = self.cells.names["restapi_client"].get_job_by_id(job_id)
        return found


@pytest.fixture(scope="module")
def session(
    tracking: MlflowClient, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("testbed")
    with (
        namespace("e2e-testbed") as cluster,
        researcher(cluster, folder) as kubeconfig,
        pytest.MonkeyPatch.context() as patch,
    ):
        cluster.apply(queue("tensorflow-cpu", nodeSelector=POOL, resources=RESOURCES, maxRunning=2))
        patch.setenv("KUBECONFIG", str(kubeconfig))
        for variable in ("MLFLOW_TRACKING_URI", "AI_RESTAPI_URI"):
            patch.delenv(variable, raising=False)
        patch.delitem(sys.modules, "utils", raising=False)
        patch.syspath_prepend(EXAMPLE)
        patch.chdir(EXAMPLE)
        found = Session(cluster)
        for block in BLOCKS:
            if block == TRAIN and not pytestconfig.getoption("all_of_mnist"):
                data = [few_images(folder, tracking, cluster.mlflow_experiment("mnist"))]
                patched = json.dumps({"spec": {"datasets": data}})
                cluster.kubectl("patch", "experiment", "mnist", "--type=merge", "-p", patched)
            found.run(block)
        yield found
        found.cells.names["restapi_client"].close()


def few_images(folder: Path, tracking: MlflowClient, experiment: str) -> dict[str, str]:
    """Return a dataset of the first images of MNIST, in folders as the tutorial has them."""
    for split, number in FEW.items():
        whole = load_split(EXAMPLE / "data", split, (28, 28, 1))
        first = Dataset(images=whole.images[:number], labels=whole.labels[:number])
        save_folders(first, folder / "data" / split)
    archive = folder / "mnist.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder / "data", arcname=".")
    run_id = tracking.create_run(experiment, run_name="images").info.run_id
    tracking.log_artifact(run_id, str(archive))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    return {"name": "mnist", "artifact": f"runs:/{run_id}/{archive.name}", "sha256": digest}


def test_the_blocks_are_the_tutorials_own() -> None:
    every = "\n\n".join(block for _, block in fenced(PAGE))
    assert hashlib.sha256(every.encode()).hexdigest() == AS_PUBLISHED


def test_experiment_and_queue_are_displayed_as_they_are_found(session: Session) -> None:
    experiment = ast.literal_eval(session.displayed[REGISTER])
    registered = session.cluster.mlflow_experiment("mnist")
    assert (experiment["name"], experiment["experimentId"]) == ("mnist", int(registered))
    found = ast.literal_eval(session.displayed[FIND_QUEUE])
    assert (found["name"], found["queueId"]) == ("tensorflow-cpu", "tensorflow-cpu")


def test_what_is_submitted_is_queued_and_has_no_run_yet(session: Session) -> None:
    said, *answers = session.displayed[TRAIN].split("job for ")[1:]
    assert said.startswith("shallow neural network submitted")
    first = ast.literal_eval(said.partition("\n\n")[2].rpartition("\nTraining")[0])
    assert (first["status"], first["mlflowRunId"]) == ("queued", None)
    assert len(answers) == 1
    assert session.displayed[ATTACK].endswith("Dependent jobs submitted\n")


@pytest.mark.parametrize(("response", "submitted"), RESPONSES.items())
def test_each_job_finishes_with_a_run_of_its_own(
    response: str, submitted: tuple[str, str | None], session: Session, tracking: MlflowClient
) -> None:
    entry_point, after = submitted
    job = session.answer(response)
    wanted = {
        "status": "finished",
        "entryPoint": entry_point,
        "dependsOn": session.cells.names[after]["jobId"] if after else None,
        "queueId": "tensorflow-cpu",
        "timeout": "86400s",
    }
    assert wanted.items() <= job.items()
    session.cluster.until_tracked(job["jobId"])
    run = tracking.get_run(job["mlflowRunId"])
    assert run.info.status == "FINISHED"
    assert run.data.tags["alidade.dev/job"] == job["jobId"]
    made = hashlib.sha256((EXAMPLE / "workflows.tar.gz").read_bytes()).hexdigest()
    assert run.data.tags["alidade.dev/workflow-sha256"] == made


@pytest.mark.parametrize("block", [ITS_END, ITS_END_TOO], ids=["shallow", "le-net"])
def test_both_dependent_jobs_are_displayed_as_finished(block: str, session: Session) -> None:
    shown = [ast.literal_eval(answer) for answer in session.displayed[block].split("\n\n")]
    assert [answer["status"] for answer in shown] == ["finished", "finished"]
    assert all(answer["mlflowRunId"] for answer in shown)


def test_both_models_are_worse_on_adversarial_images(
    session: Session, tracking: MlflowClient
) -> None:
    accuracies = {
        response: tracking.get_run(session.answer(response)["mlflowRunId"]).data.metrics["accuracy"]
        for response, (entry_point, _) in RESPONSES.items()
        if entry_point != "fgm"
    }
    trained, attacked = list(accuracies.values())[:2], list(accuracies.values())[2:]
    assert min(trained) > 0.7
    assert max(attacked) < min(trained) - 0.05


def test_metrics_parameters_and_tags_are_those_of_the_attack(session: Session) -> None:
    for nothing in (SETTING_UP, CONNECT, MLFLOW, RUN):
        assert not session.displayed[nothing]
    metrics, parameters, tags = (
        ast.literal_eval(session.displayed[block]) for block in (METRICS, PARAMETERS, TAGS)
    )
    assert len(metrics) == 42
    assert metrics["l_infinity_norm_max"] == pytest.approx(0.3, abs=1e-5)
    wanted = {"model_name": "mnist_le_net", "model_version": "1", "data_dir": "/data/mnist"}
    assert wanted.items() <= parameters.items()
    assert tags["alidade.dev/job"] == session.cells.names["response_fgm_le_net"]["jobId"]
