"""The client against a real API server, the real operator and a real MLflow."""

import base64
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from alidade import AsyncClient, Client, output_of, run_of
from alidade.errors import (
    AlreadyExistsError,
    ForbiddenError,
    LogsGoneError,
    NotFoundError,
    RefusedError,
    UnreachableError,
    WaitTimeoutError,
)
from alidade.jobs.submission import Value
from alidade.progress import Lines, Quiet
from alidade_core.api.base import Metadata
from alidade_core.api.experiment import Experiment
from alidade_core.api.job import Job
from alidade_core.api.job_status import JobState
from alidade_core.api.queue import Queue, QueueSpec
from tests.integration.scene import JOB, Scene
from tests.support.control_plane import ControlPlane
from tests.support.kubelet import failed, running, succeeded
from tests.support.kubelet_logs import line
from tests.support.manifests import EXPERIMENT, job
from tests.support.polling import PATIENCE_SECONDS
from tests.support.sources import python_path

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def client(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", scene.tracking.uri)
    with Client(kubeconfig=scene.kubeconfig(tmp_path)) as client:
        yield client


def test_what_is_applied_is_there_and_may_be_changed(client: Client, scene: Scene) -> None:
    (made,) = client.apply(Queue(metadata=Metadata(name="gpu"), spec=QueueSpec(max_running=1)))
    assert made.metadata.namespace == scene.namespace
    client.apply(Queue(metadata=Metadata(name="gpu"), spec=QueueSpec(max_running=2)))
    assert client.get(Queue, "gpu").spec.max_running == 2
    assert {queue.metadata.name for queue in client.list(Queue)} == {"cpu", "gpu"}
    client.apply(yaml.safe_dump(job("train")))
    assert [j.metadata.name for j in client.list(Job, experiment=EXPERIMENT)] == ["train"]
    assert client.list(Job, experiment="another") == []


def test_what_is_deleted_is_gone_and_its_name_can_be_used_again(client: Client) -> None:
    for _ in range(2):
        client.submit(None, "train", experiment=EXPERIMENT, name="train", suspend=True)
        client.delete(Job, "train")
        assert client.list(Job) == []
    client.delete(Job, "train")


def test_a_job_is_submitted_and_waited_for(client: Client, scene: Scene) -> None:
    scene.let("train", [running(), succeeded({"model_version": "3"})])
    train = client.submit(None, "train", experiment=EXPERIMENT, name="train")
    values: dict[str, Value] = {
        "run_id": run_of(train),
        "version": output_of(train, "model_version"),
        "eps": 0.1,
    }
    attack = client.submit(None, "fgm", experiment=EXPERIMENT, parameters=values, backoffLimit=2)
    assert attack.metadata.name.startswith("fgm-")
    assert attack.spec.backoff_limit == 2
    first, second = client.wait_all([train, attack])
    assert first.status.state == second.status.state == JobState.FINISHED
    given = {p.name: p.value for p in second.status.parameters}
    assert given == {"run_id": first.status.mlflow_run_id, "version": "3", "eps": "0.1"}


def test_what_is_waited_for_is_shown(
    client: Client, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.let("train", [running(), failed(1, "ValueError: eps")])
    client.submit(experiment=EXPERIMENT, name="train")
    client.wait("train", progress=Lines())
    *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("train: Failed Error: ")
    assert last.endswith("ValueError: eps")


def test_a_wait_has_an_end_if_it_is_told_so(client: Client, scene: Scene) -> None:
    scene.let("train", [running()])
    client.submit(experiment=EXPERIMENT, name="train")
    with pytest.raises(WaitTimeoutError, match=r"train: not ended within 0\.1 s"):
        client.wait("train", timeout=0.1)


class Begun(Quiet):
    """Notes that a wait has begun."""

    def __init__(self) -> None:
        self.begun = threading.Event()

    def show(self, jobs: Sequence[Job]) -> None:
        self.begun.set()


def test_a_wait_outlasts_an_api_server_that_is_away_for_a_while(
    client: Client, scene: Scene, plane: ControlPlane
) -> None:
    scene.let("train", [running()])
    client.submit(experiment=EXPERIMENT, name="train")
    scene.until("train", "Started")
    with ThreadPoolExecutor() as threads:
        progress = Begun()
        ended = threads.submit(client.wait, "train", progress=progress)
        assert progress.begun.wait(PATIENCE_SECONDS)
        plane.kill("kube-apiserver")
        plane.start("kube-apiserver")
        plane.wait_until_served()
        scene.let("train", [running(), succeeded()])
        assert ended.result().status.state is JobState.FINISHED


def test_what_is_not_there_is_told(client: Client, scene: Scene) -> None:
    gone = f"there is no job 'train' in namespace {scene.namespace}"
    with pytest.raises(NotFoundError, match=gone):
        client.get(Job, "train")
    with pytest.raises(NotFoundError, match="there is no job 'train'"):
        client.wait("train")


def test_a_name_that_is_taken_and_a_field_that_is_none_are_refused(client: Client) -> None:
    client.submit(experiment=EXPERIMENT, name="train")
    with pytest.raises(AlreadyExistsError, match=r"jobs\.alidade\.dev 'train' is there already"):
        client.submit(experiment=EXPERIMENT, name="train")
    with pytest.raises(RefusedError, match=r'unknown field "spec\.anything"'):
        client.submit(experiment=EXPERIMENT, name="other", anything=1)


def test_a_job_that_failed_is_run_again_with_what_comes_after_it(
    client: Client, scene: Scene
) -> None:
    scene.let("train", [running(), failed(1)])
    client.submit(experiment=EXPERIMENT, name="train")
    values = {"run_id": run_of("train")}
    client.submit(experiment=EXPERIMENT, name="fgm", parameters=values)
    assert client.wait("fgm").status.state is JobState.SKIPPED
    again = client.rerun("train", dependents=True)
    assert [each.metadata.name for each in again] == ["train-r2", "fgm-r2"]
    train, fgm = client.wait_all(again)
    assert fgm.status.state is JobState.FINISHED
    assert fgm.status.parameters[0].value == train.status.mlflow_run_id
    assert [each.metadata.name for each in client.rerun("train-r2")] == ["train-r3"]


def test_a_job_is_cancelled(client: Client, scene: Scene) -> None:
    scene.let("train", [running()])
    client.submit(experiment=EXPERIMENT, name="train")
    client.cancel("train")
    assert client.wait("train").status.state is JobState.CANCELLED


def test_why_leads_to_the_root_and_the_tree_has_all(client: Client, scene: Scene) -> None:
    scene.let("train", [running(), failed(1, "ValueError: eps")])
    client.submit(experiment=EXPERIMENT, name="train")
    client.submit(experiment=EXPERIMENT, name="fgm", after=["train"])
    client.submit(experiment=EXPERIMENT, name="infer", after=["fgm"])
    client.wait("infer")
    chain = client.why("infer")
    assert [cause.name for cause in chain] == ["job infer", "job fgm", "job train"]
    assert "ValueError: eps" in (chain[-1].message or "")
    (top,) = client.tree()
    assert [node.name for node in top.walk()] == ["train", "fgm", "infer"]


def test_logs_are_those_of_all_attempts(client: Client, scene: Scene) -> None:
    scene.let("train", [running(), failed(1)], [running(), succeeded()])
    client.submit(experiment=EXPERIMENT, name="train", backoffLimit=1)
    followed = [each.text for each in client.logs("train", follow=True)]
    pods = [pod["metadata"]["name"] for pod in scene.pods("train")]
    assert len(pods) == 2
    assert sorted(followed) == sorted(line(pod).strip() for pod in pods)
    assert [each.text for each in client.logs("train")] == [line(pod).strip() for pod in pods]


def test_logs_of_pods_that_are_gone_come_from_mlflow(client: Client, scene: Scene) -> None:
    client.submit(experiment=EXPERIMENT, name="train")
    client.wait("train")
    scene.kubectl("wait", "--for=condition=LogsArchived", "ajob/train", "--timeout=60s")
    (pod,) = (pod["metadata"]["name"] for pod in scene.pods("train"))
    scene.kubectl("delete", "pod", pod)
    (said,) = client.logs("train")
    assert (said.pod, said.container, said.text) == (pod, "worker", line(pod).strip())
    assert said.archived


def test_who_may_not_read_pods_reads_in_mlflow_what_is_kept_there(
    client: Client, scene: Scene, tmp_path: Path
) -> None:
    with reader_of_jobs(scene, tmp_path) as reader:
        scene.let("train", [running()])
        client.submit(experiment=EXPERIMENT, name="train")
        scene.until_states({"train": "Started"})
        with pytest.raises(ForbiddenError, match="you may not list pods"):
            list(reader.logs("train"))
        client.submit(experiment=EXPERIMENT, name="fgm")
        client.wait("fgm")
        scene.kubectl("wait", "--for=condition=LogsArchived", "ajob/fgm", "--timeout=60s")
        (pod,) = (pod["metadata"]["name"] for pod in scene.pods("fgm"))
        for follow in (False, True):
            (said,) = reader.logs("fgm", follow=follow)
            assert (said.pod, said.text, said.archived) == (pod, line(pod).strip(), True)


def test_logs_that_are_nowhere_are_said_to_be_so(client: Client, scene: Scene) -> None:
    scene.apply(job("train", "missing"))
    client.cancel("train")
    client.wait("train")
    with pytest.raises(LogsGoneError, match="there are no logs of job 'train': it never ran"):
        list(client.logs("train"))


def test_results_are_the_metrics_of_runs(client: Client, scene: Scene) -> None:
    client.submit(experiment=EXPERIMENT, name="train", parameters={"eps": "0.1"})
    client.wait("train")
    run = scene.run("train")
    scene.tracking.client.log_metric(run.info.run_id, "accuracy", 0.5)
    (result,) = client.results(EXPERIMENT)
    assert (result.job, result.run_id, result.metrics) == (
        "train",
        run.info.run_id,
        {"accuracy": 0.5},
    )


def reader_of_jobs(scene: Scene, folder: Path) -> Client:
    """Return the client of somebody who may read jobs, and do nothing else."""
    scene.kubectl("create", "serviceaccount", "ada")
    scene.kubectl("create", "role", "reads", "--verb=get", "--resource=jobs.alidade.dev")
    who = f"--serviceaccount={scene.namespace}:ada"
    scene.kubectl("create", "rolebinding", "ada", "--role=reads", who)
    return Client(kubeconfig=scene.kubeconfig(folder, "ada"))


def test_a_right_that_lacks_is_named(scene: Scene, tmp_path: Path) -> None:
    with reader_of_jobs(scene, tmp_path) as client:
        denied = f"you may not create jobs.alidade.dev in namespace {scene.namespace}: ask for "
        with pytest.raises(ForbiddenError, match=f"{denied}the role alidade-submit"):
            client.submit(experiment=EXPERIMENT)
        with pytest.raises(ForbiddenError, match=r"you may not list jobs\.alidade\.dev"):
            client.wait("train")


def test_an_api_server_that_is_away_is_told_in_a_line(scene: Scene, tmp_path: Path) -> None:
    path = scene.kubeconfig(tmp_path)
    config = yaml.safe_load(path.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    path.write_text(yaml.safe_dump(config))
    with Client(kubeconfig=path) as client:
        with pytest.raises(UnreachableError, match="the API server cannot be reached") as told:
            client.list(Job)
        assert len(str(told.value).splitlines()) == 1
    with Client(kubeconfig=tmp_path / "missing") as client, pytest.raises(UnreachableError):
        client.list(Job)


async def test_it_is_asynchronous_too(scene: Scene, tmp_path: Path) -> None:
    async with AsyncClient(kubeconfig=scene.kubeconfig(tmp_path)) as client:
        train = await client.submit(experiment=EXPERIMENT, name="train")
        ended = await client.wait(train)
        assert ended.status.state is JobState.FINISHED
        assert [each.text async for each in client.logs(train)]
        assert (await client.get(Experiment, EXPERIMENT)).status.mlflow_experiment_id
    assert scene.exists(JOB, "train")


def test_keys_of_a_kubeconfig_are_left_nowhere(scene: Scene, tmp_path: Path) -> None:
    path = scene.kubeconfig(tmp_path)
    config = yaml.safe_load(path.read_text())
    for part in (config["clusters"][0]["cluster"], config["users"][0]["user"]):
        for name in [name for name in part if name != "server"]:
            part[f"{name}-data"] = base64.b64encode(Path(part.pop(name)).read_bytes()).decode()
    path.write_text(yaml.safe_dump(config))
    left = tmp_path / "left"
    left.mkdir()
    program = "from alidade import *\nwith Client() as client: client.list(Queue)"
    own = {
        "KUBECONFIG": str(path),
        "TMPDIR": str(left),
        "PYTHONPATH": python_path("core", "client"),
    }
    subprocess.run([sys.executable, "-c", program], env=os.environ | own, check=True)
    assert list(left.iterdir()) == []
