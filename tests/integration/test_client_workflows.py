"""Workflows as the client stores them in MLflow."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from alidade import AsyncClient
from alidade.errors import ForbiddenError, NotFoundError, RefusedError, UnreachableError
from alidade.mlflow.rest import Mlflow
from alidade.mlflow.way import login
from alidade.mlflow.workflows import stored
from alidade.packing import pack
from alidade_core.api.job_status import JobState
from tests.integration.scene import Scene
from tests.support.door import Answer, Door
from tests.support.manifests import EXPERIMENT, experiment

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    own = tmp_path / "own"
    own.mkdir()
    (own / "MLproject").write_text("name: own\n")
    return own


def digest_of(file: str) -> str:
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()


@pytest.fixture(autouse=True)
def where(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", scene.tracking.uri)


async def test_an_archive_is_stored_once_in_a_run_of_the_experiment(
    scene: Scene, folder: Path, tmp_path: Path
) -> None:
    packed = pack(folder)
    another = replace(packed, content=packed.content + b"\n")
    async with AsyncClient(kubeconfig=scene.kubeconfig(tmp_path)) as client:
        registered = (await client.registered(EXPERIMENT)).status.mlflow_experiment_id
        assert registered is not None
        mlflow = await client.mlflow_rest()
        source = await stored(mlflow, registered, packed)
        assert await stored(mlflow, registered, packed) == source
        assert await stored(mlflow, registered, another) != source
    uri, digest = source["archive"]["uri"], source["archive"]["sha256"]
    scheme, run_id, name = uri.split("/")
    assert (scheme, name, digest) == ("runs:", "workflow.tar.gz", packed.sha256)
    assert digest_of(scene.tracking.client.download_artifacts(run_id, name)) == digest
    run = scene.tracking.client.get_run(run_id)
    assert run.info.run_name == f"workflow-{digest[:12]}"
    assert run.info.status == "FINISHED"
    assert run.data.tags["alidade.dev/kind"] == "workflow"
    assert len(scene.tracking.client.search_runs([registered])) == 2


async def test_a_store_that_is_not_mlflows_is_told(
    scene: Scene, folder: Path, tmp_path: Path
) -> None:
    scene.apply(experiment("elsewhere", artifactLocation=f"file://{tmp_path}"))
    async with AsyncClient(kubeconfig=scene.kubeconfig(tmp_path)) as client:
        registered = (await client.registered("elsewhere")).status.mlflow_experiment_id
        assert registered is not None
        with pytest.raises(RefusedError, match="store the archive there yourself"):
            await stored(await client.mlflow_rest(), registered, pack(folder))


async def test_an_experiment_that_mlflow_has_nothing_of_takes_no_archive(
    scene: Scene, folder: Path, tmp_path: Path
) -> None:
    scene.apply(experiment("untracked", tracking="None"))
    async with AsyncClient(kubeconfig=scene.kubeconfig(tmp_path)) as client:
        with pytest.raises(RefusedError, match="'untracked' has tracking: None"):
            await client.submit(folder, experiment="untracked")


async def test_an_mlflow_that_is_away_is_told(scene: Scene) -> None:
    async with Mlflow("http://127.0.0.1:1", {}) as mlflow:
        with pytest.raises(UnreachableError, match=r"MLflow at http://127\.0\.0\.1:1 cannot be"):
            await mlflow.check()


async def test_a_server_that_asks_for_a_login_is_told_with_where_to_put_it(scene: Scene) -> None:
    with Door(scene.tracking.uri) as door:
        door.rule = lambda _: Answer(401, b"who are you?")
        async with Mlflow(f"http://127.0.0.1:{door.port}", {}) as mlflow:
            with pytest.raises(ForbiddenError, match="into the Secret mlflow-login"):
                await mlflow.check()


async def test_the_login_is_that_of_the_secret_or_of_the_environment(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kube = AsyncClient(kubeconfig=scene.kubeconfig(tmp_path)).kube
    assert await login(kube) == {}
    named = {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "secret"}
    literals = [f"--from-literal={name}={value}" for name, value in named.items()]
    scene.kubectl("create", "secret", "generic", "mlflow-login", *literals)
    assert await login(kube) == named
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "token")
    assert await login(kube) == {"MLFLOW_TRACKING_TOKEN": "token"}


async def test_an_installation_that_is_not_found_is_told_with_how_to_name_it(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    async with AsyncClient(kubeconfig=scene.kubeconfig(tmp_path)) as client:
        monkeypatch.setenv("ALIDADE_INSTALLATION", f"{scene.namespace}/lab")
        with pytest.raises(NotFoundError, match="or ALIDADE_INSTALLATION to the namespace"):
            await client.mlflow_rest()
        told = f"--from-literal=trackingUri={scene.tracking.uri}"
        scene.kubectl("create", "configmap", "lab-client", told)
        assert (await client.mlflow_rest()).uri == scene.tracking.uri
        await (await client.mlflow_rest()).check()


async def test_a_folder_is_run_as_it_was_submitted_and_again_so(
    scene: Scene, folder: Path, tmp_path: Path
) -> None:
    digest = pack(folder).sha256
    async with AsyncClient(kubeconfig=scene.kubeconfig(tmp_path)) as client:
        train = await client.submit(folder, "train", experiment=EXPERIMENT, name="train")
        other = await client.submit(folder, "train", experiment=EXPERIMENT, path="sub")
        ended = await client.wait(train)
        (again,) = await client.rerun(train)
    assert train.spec.workflow is not None
    assert train.spec.workflow.source is not None
    assert train.spec.workflow.source.sha256 == digest
    assert other.spec.workflow == train.spec.workflow.model_copy(update={"path": "sub"})
    assert ended.status.state is JobState.FINISHED
    assert ended.status.workflow is not None
    assert ended.status.workflow.sha256 == digest
    assert again.spec.workflow == train.spec.workflow
    assert scene.run("train").data.tags["alidade.dev/workflow-sha256"] == digest
