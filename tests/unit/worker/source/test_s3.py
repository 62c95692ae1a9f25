"""Objects of a real S3 server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alidade_worker.source.fetch import fetch_file
from alidade_worker.source.means import Means
from alidade_worker.source.problems import AwayError, RefusedError
from tests.support.archives import digest
from tests.support.door import Answer, Door
from tests.support.process import free_port
from tests.support.s3 import S3Server

Fetch = Callable[..., bytes]
CONTENT = b"an archive" * 1000
LIMIT = 1024 * 1024


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3")) as running:
        running.client.create_bucket(Bucket="workflows")
        for key, content in (("a/b.tgz", CONTENT), ("large", bytes(LIMIT + 1))):
            running.client.put_object(Bucket="workflows", Key=key, Body=content)
        yield running


@pytest.fixture
def fetched(
    server: S3Server, tmp_path: Path, means: Callable[..., Means], monkeypatch: pytest.MonkeyPatch
) -> Fetch:
    def fetch(key: str, url: str = server.url, seconds: float = 0) -> bytes:
        for name, value in {**server.environment, "MLFLOW_S3_ENDPOINT_URL": url}.items():
            monkeypatch.setenv(name, value)
        target = tmp_path / "target"
        fetch_file(f"s3://{key}", digest(CONTENT), target, LIMIT, means(seconds=seconds))
        return target.read_bytes()

    return fetch


def test_an_object_is_fetched(fetched: Fetch) -> None:
    assert fetched("workflows/a/b.tgz") == CONTENT


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("workflows/gone", r"S3 answers 404 NoSuchKey \("),
        ("elsewhere/a/b.tgz", r"S3 answers 404 NoSuchBucket \("),
        ("workflows/large", "it is larger than 1 MiB"),
    ],
)
def test_what_is_not_there_or_too_large_is_refused(fetched: Fetch, key: str, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        fetched(key, seconds=300)


def test_who_may_not_is_told_so(fetched: Fetch) -> None:
    refusal = b"<Error><Code>AccessDenied</Code><Message>not you</Message></Error>"
    with Door() as door:
        door.turn_away(Answer(403, refusal, "application/xml"))
        with pytest.raises(RefusedError, match=r"S3 answers 403 AccessDenied \(not you\)"):
            fetched("workflows/a/b.tgz", door.uri, seconds=300)


def test_without_credentials_nobody_is_asked(
    fetched: Fetch, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    nobody["AWS_EC2_METADATA_DISABLED"] = "true"
    monkeypatch.setattr(S3Server, "environment", nobody)
    # Boto keeps credentials that it has found, and MLflow a client for each address.
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    with pytest.raises(RefusedError, match=r"S3 cannot be asked \(Unable to locate credentials"):
        fetched("workflows/a/b.tgz", f"{server.url}/")


def test_a_busy_server_is_asked_again_and_so_is_one_that_breaks_off(
    fetched: Fetch, server: S3Server
) -> None:
    busy = b"<Error><Code>SlowDown</Code><Message>later</Message></Error>"
    with Door(server.url) as door:
        for fault in (Answer(503, busy, "application/xml"), Answer(200, b"x", length=99)):
            losses = iter([fault] * 2)
            door.rule = lambda request, losses=losses: next(losses, None)  # type: ignore[misc]
            assert fetched("workflows/a/b.tgz", door.uri, seconds=300) == CONTENT


def test_a_server_that_is_away(fetched: Fetch) -> None:
    with pytest.raises(AwayError, match="S3 cannot be reached"):
        fetched("workflows/a/b.tgz", f"http://127.0.0.1:{free_port()}")
