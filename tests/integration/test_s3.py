"""An experiment whose artifacts are in S3, where the operator brings the logs by itself."""

from collections.abc import Iterator

import pytest

from tests.integration.bench import NewOperator
from tests.integration.scene import Scene
from tests.support.kubelet_logs import line
from tests.support.manifests import experiment, job, queue
from tests.support.operator import Operator
from tests.support.s3 import S3Server

BUCKET = "results"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as store:
        store.client.create_bucket(Bucket=BUCKET)
        yield store


@pytest.fixture(scope="module")
def operator(new_operator: NewOperator, store: S3Server) -> Iterator[Operator]:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in store.environment.items():
            environment.setenv(name, value)
        instance = new_operator()
    with instance:
        yield instance


@pytest.mark.usefixtures("operator")
def test_logs_go_where_the_experiment_keeps_its_artifacts(
    empty_scene: Scene, store: S3Server
) -> None:
    scene = empty_scene
    location = f"s3://{BUCKET}/{scene.namespace}"
    scene.apply(queue(), experiment(artifactLocation=location), job("a"))
    run_id = scene.until("a", "Finished")["mlflowRunId"]
    scene.kubectl("wait", "--for=condition=LogsArchived", "ajob/a", "--timeout=60s")

    (pod,) = (each["metadata"]["name"] for each in scene.pods("a"))
    assert store.objects(BUCKET) == {
        f"{scene.namespace}/{run_id}/artifacts/logs/{pod}/worker.log": line(pod)
    }
