"""Artifacts of a real MLflow server, and of doors before it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alidade_worker.source.fetch import fetch_file
from alidade_worker.source.means import Means
from alidade_worker.source.problems import AwayError, RefusedError, TurnedAwayError
from tests.support.archives import digest
from tests.support.door import Answer, Door
from tests.support.process import free_port
from tests.support.tracking import TrackingServer

MeansOf = Callable[..., Means]
Fetch = Callable[..., bytes]
CONTENT = b"an archive" * 1000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    with TrackingServer(tmp_path_factory.mktemp("mlflow")) as running:
        yield running


@pytest.fixture(scope="module")
def run_id(server: TrackingServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("packed") / "a workflow.tgz"
    file.write_bytes(CONTENT)
    run_id: str = server.client.create_run("0").info.run_id
    server.client.log_artifact(run_id, str(file), "workflows")
    return run_id


@pytest.fixture
def fetched(tmp_path: Path, means: MeansOf, server: TrackingServer) -> Fetch:
    def fetch(uri: str, tracking_uri: str = server.uri, seconds: float = 0) -> bytes:
        target = tmp_path / "target"
        fetch_file(uri, digest(CONTENT), target, 1024 * 1024, means(tracking_uri, seconds))
        return target.read_bytes()

    return fetch


def test_an_artifact_is_fetched_by_its_run_and_by_its_place(
    server: TrackingServer, run_id: str, fetched: Fetch
) -> None:
    assert fetched(f"runs:/{run_id}/workflows/a workflow.tgz") == CONTENT
    place = server.client.get_run(run_id).info.artifact_uri
    assert place.startswith("mlflow-artifacts:/")
    assert fetched(f"{place}/workflows/a workflow.tgz") == CONTENT


def test_an_artifact_is_fetched_by_the_version_of_a_model(
    server: TrackingServer, run_id: str, fetched: Fetch
) -> None:
    server.client.create_registered_model("a model")
    place = server.client.get_run(run_id).info.artifact_uri
    server.client.create_model_version("a model", place, run_id)
    assert fetched("models:/a model/1/workflows/a workflow.tgz") == CONTENT
    with pytest.raises(RefusedError, match="the server answers 404"):
        fetched("models:/a model/2/workflows/a workflow.tgz", seconds=300)


def test_a_run_or_an_artifact_that_is_not_there_is_refused(
    server: TrackingServer, run_id: str, fetched: Fetch
) -> None:
    with pytest.raises(RefusedError, match=f"answers 404 .*Run with id={'0' * 32} not found"):
        fetched(f"runs:/{'0' * 32}/workflows/a.tgz", seconds=300)
    for path in ("gone.tgz", "workflows", "../../../mlflow.db"):
        with pytest.raises(RefusedError, match="the server answers 4"):
            fetched(f"runs:/{run_id}/{path}", seconds=300)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_who_is_turned_away_by_a_login_or_a_proxy_is_tried_again_in_another_pod(
    run_id: str, fetched: Fetch, status: int
) -> None:
    with Door() as door:
        door.turn_away(Answer(status, b"<html>who are you?</html>"))
        with pytest.raises(TurnedAwayError, match=rf"answers {status} .*\(who are you\?\)"):
            fetched(f"runs:/{run_id}/workflows/a.tgz", door.uri, seconds=300)
        assert len(door.seen) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("asked", ["runs/get", "mlflow-artifacts"])
def test_a_server_that_is_busy_is_asked_again(
    server: TrackingServer, run_id: str, fetched: Fetch, status: int, asked: str
) -> None:
    with Door(server.uri) as door:
        losses = iter([Answer(status, b"later", headers={"Retry-After": "2"})] * 2)
        door.rule = lambda request: next(losses, None) if asked in request.path else None
        assert fetched(f"runs:/{run_id}/workflows/a workflow.tgz", door.uri, 300) == CONTENT
        assert sum(asked in request.path for request in door.seen) == 3


def test_a_server_that_is_away(fetched: Fetch) -> None:
    with pytest.raises(AwayError, match=r"the server cannot be reached .*Connection refused"):
        fetched("runs:/1/a.tgz", f"http://127.0.0.1:{free_port()}")


ENDLESS = b'{"run": "' + 17 * 1024 * 1024 * b"x" + b'"}'


@pytest.mark.parametrize("body", [b"[]", b"{}", b"no JSON", ENDLESS], ids=lambda body: body[:9])
def test_an_address_that_is_not_mlflows(fetched: Fetch, body: bytes) -> None:
    with Door() as door:
        door.turn_away(Answer(200, body))
        with pytest.raises(TurnedAwayError, match="answers, but not as MLflow does"):
            fetched("runs:/1/a.tgz", door.uri)


def test_an_answer_that_breaks_off_is_asked_for_again(fetched: Fetch) -> None:
    with Door() as door:
        door.turn_away(Answer(200, b'{"run": ', length=1000))
        with pytest.raises(AwayError, match="the server breaks off"):
            fetched("runs:/1/a.tgz", door.uri, seconds=4)
        assert len(door.seen) > 1


def test_a_store_that_only_the_server_sees(fetched: Fetch) -> None:
    with Door() as door:
        door.turn_away(Answer(200, b'{"run": {"info": {"artifact_uri": "file:///mlruns/1"}}}'))
        with pytest.raises(RefusedError, match="MLflow keeps it in its own file system"):
            fetched("runs:/1/a.tgz", door.uri)
