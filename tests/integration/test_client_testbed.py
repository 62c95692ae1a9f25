"""The testbed's own client, as its tutorials call it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from alidade import Client
from alidade.packing import pack
from alidade.testbed import SecuringAIClient
from tests.integration.bench import NewOperator
from tests.integration.scene import JOB, Scene
from tests.support.manifests import IMAGE, POOL, job, queue
from tests.support.operator import Operator
from tests.support.polling import eventually

pytestmark = pytest.mark.usefixtures("operator")

MNIST, CPU = "mnist", "tensorflow_cpu"


@pytest.fixture(scope="module")
def operator(new_operator: NewOperator) -> Iterator[Operator]:
    """An operator that has an image for jobs that name none, as the chart's has."""
    with new_operator(worker_image=IMAGE) as operator:
        yield operator


@pytest.fixture
def plain(empty_scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", empty_scene.tracking.uri)
    with Client(kubeconfig=empty_scene.kubeconfig(tmp_path)) as client:
        yield client


@pytest.fixture
def client(plain: Client) -> SecuringAIClient:
    return SecuringAIClient(client=plain)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    own = tmp_path / "own"
    own.mkdir()
    (own / "MLproject").write_text("name: own\n")
    path = tmp_path / "workflows.tar.gz"
    path.write_bytes(pack(own).content)
    return path


def test_names_are_registered_once_and_found(client: SecuringAIClient) -> None:
    # As the tutorial asks.
    assert "Not Found" in client.get_experiment_by_name(name=MNIST).get("message", [])
    made = client.register_experiment(name=MNIST)
    assert (made["name"], type(made["experimentId"])) == ("mnist", int)
    found = client.get_experiment_by_name(name=MNIST)
    assert found["experimentId"] == made["experimentId"]
    assert "already exists" in client.register_experiment(name=MNIST)["message"]

    assert "Not Found" in client.get_queue_by_name(name=CPU).get("message", [])
    assert client.register_queue(name=CPU)["name"] == "tensorflow-cpu"
    assert client.get_queue_by_name(name=CPU)["name"] == "tensorflow-cpu"


def test_who_may_not_make_queues_is_told_whom_to_ask(empty_scene: Scene, tmp_path: Path) -> None:
    empty_scene.kubectl("create", "serviceaccount", "ada")
    rights = ("--verb=get,create", "--resource=experiments.alidade.dev")
    empty_scene.kubectl("create", "role", "submits", *rights)
    who = f"--serviceaccount={empty_scene.namespace}:ada"
    empty_scene.kubectl("create", "rolebinding", "ada", "--role=submits", who)
    with Client(kubeconfig=empty_scene.kubeconfig(tmp_path, "ada")) as plain:
        said = SecuringAIClient(client=plain).register_queue(name=CPU)["message"]
    assert said == (
        "Forbidden - you may not create queues.alidade.dev in namespace "
        f"{empty_scene.namespace}: ask for the role alidade-queue-owner"
    )


def test_what_is_not_there_is_answered_and_nothing_is_made(
    client: SecuringAIClient, empty_scene: Scene, archive: Path
) -> None:
    assert "Not Found" in client.get_job_by_id("train-1")["message"]
    submission = (archive, MNIST, "train")
    assert "experiment requested" in client.submit_job(*submission)["message"]
    client.register_experiment(MNIST)
    assert "queue requested" in client.submit_job(*submission)["message"]
    empty_scene.apply(queue("tensorflow-cpu", nodeSelector=POOL))
    said = client.submit_job(*submission, depends_on="train-1")["message"]
    assert said == "Not Found - The job requested does not exist"
    assert empty_scene.all_of(JOB) == []


def test_the_tutorials_jobs_run_one_after_the_other(
    client: SecuringAIClient, empty_scene: Scene, archive: Path
) -> None:
    client.register_experiment(MNIST)
    empty_scene.apply(queue("tensorflow-cpu", nodeSelector=POOL))
    attack = client.submit_job(
        workflows_file=archive,
        experiment_name=MNIST,
        entry_point="fgm",
        entry_point_kwargs="-P model_name=mnist_le_net -P model_version=1",
    )
    name = attack["jobId"]
    assert name.startswith("fgm-")
    assert attack["workflowUri"].startswith("runs:/")
    assert attack["entryPointKwargs"] == "-P model_name=mnist_le_net -P model_version=1"
    assert (attack["queueId"], attack["timeout"]) == ("tensorflow-cpu", "86400s")

    def run_id_is_known() -> str | None:
        found: str | None = client.get_job_by_id(name)["mlflowRunId"]
        return found

    run_id = eventually(run_id_is_known)
    second = client.submit_job(
        workflows_file=archive,
        experiment_name=MNIST,
        entry_point="infer",
        entry_point_kwargs=f"-P run_id={run_id}",
        depends_on=name,
    )
    assert second["dependsOn"] == name

    def finished() -> bool:
        return bool(client.get_job_by_id(second["jobId"])["status"] == "finished")

    eventually(finished)
    assert client.get_job_by_id(name)["status"] == "finished"
    told = empty_scene.status(second["jobId"])["parameters"]
    assert told == [{"name": "run_id", "value": run_id}]


def test_a_dependency_that_failed_fails_what_comes_after_it(
    client: SecuringAIClient, empty_scene: Scene, archive: Path
) -> None:
    client.register_experiment(MNIST)
    empty_scene.apply(queue("tensorflow-cpu", nodeSelector=POOL))
    empty_scene.apply(job("fgm", cancel=True, experiment=MNIST))
    empty_scene.until("fgm", "Cancelled")
    answer = client.submit_job(archive, MNIST, "infer", depends_on="fgm")
    eventually(lambda: client.get_job_by_id(answer["jobId"])["status"] == "failed")
