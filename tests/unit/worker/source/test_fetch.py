"""Files of web servers, of the pod, and what is none of them."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alidade_worker.source.fetch import fetch_file
from alidade_worker.source.means import Means
from alidade_worker.source.problems import AwayError, RefusedError
from tests.support.archives import digest
from tests.support.door import Answer, Door, Request
from tests.support.process import free_port

MeansOf = Callable[..., Means]
CONTENT = b"an archive" * 1000
LIMIT = 1024 * 1024


@pytest.fixture
def door() -> Iterator[Door]:
    with Door() as door:
        door.turn_away(Answer(200, CONTENT))
        yield door


@pytest.fixture
def fetched(tmp_path: Path, means: MeansOf) -> Callable[..., bytes]:
    def fetch(uri: str, content: bytes = CONTENT, seconds: float = 0) -> bytes:
        target = tmp_path / "target"
        fetch_file(uri, digest(content), target, LIMIT, means(seconds=seconds))
        return target.read_bytes()

    return fetch


def test_a_file_is_fetched_from_a_server(door: Door, fetched: Callable[..., bytes]) -> None:
    assert fetched(f"{door.uri}/a.tgz?token=1") == CONTENT
    assert [request.path for request in door.seen] == ["/a.tgz?token=1"]


def test_a_redirect_is_followed(door: Door, fetched: Callable[..., bytes]) -> None:
    def rule(request: Request) -> Answer:
        if request.path == "/a":
            return Answer(302, headers={"Location": "/b"})
        return Answer(200, CONTENT)

    door.rule = rule
    assert fetched(f"{door.uri}/a") == CONTENT


def test_what_a_server_calls_compressed_for_the_way_is_the_file_itself(
    door: Door, fetched: Callable[..., bytes]
) -> None:
    content = gzip.compress(CONTENT)
    door.turn_away(Answer(200, content, headers={"Content-Encoding": "gzip"}))
    assert fetched(f"{door.uri}/a.tgz", content) == content


def test_another_file_is_refused_and_not_kept(
    door: Door, fetched: Callable[..., bytes], tmp_path: Path
) -> None:
    with pytest.raises(RefusedError) as caught:
        fetched(f"{door.uri}/a.tgz", b"what was meant")
    assert str(caught.value) == (
        f"its sha256 is {digest(CONTENT)}, not {digest(b'what was meant')}: "
        "it is not what was asked for"
    )
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "the server answers 400 Bad Request (not now)"),
        (401, "the server answers 401 Unauthorized (not now)"),
        (403, "the server answers 403 Forbidden (not now)"),
        (404, "the server answers 404 Not Found (not now)"),
        (410, "the server answers 410 Gone (not now)"),
    ],
)
def test_who_is_not_let_in_is_told_so_at_once(
    door: Door, fetched: Callable[..., bytes], status: int, said: str
) -> None:
    door.turn_away(Answer(status, b"<html>not now</html>"))
    with pytest.raises(RefusedError) as caught:
        fetched(f"{door.uri}/a.tgz", seconds=300)
    assert str(caught.value) == said
    assert len(door.seen) == 1


def faults() -> list[Answer]:
    busy = [Answer(status, b"not now") for status in (408, 425, 429, 500, 502, 503, 504)]
    return [*busy, Answer(200, CONTENT[:100], length=len(CONTENT))]


@pytest.mark.parametrize("fault", faults(), ids=lambda answer: str(answer.status))
def test_what_passes_is_tried_again(
    door: Door, fetched: Callable[..., bytes], fault: Answer
) -> None:
    answers = iter([fault, fault, Answer(200, CONTENT)])
    door.rule = lambda request: next(answers)
    assert fetched(f"{door.uri}/a.tgz", seconds=300) == CONTENT
    door.turn_away(fault)
    with pytest.raises(AwayError):
        fetched(f"{door.uri}/a.tgz")


def test_for_how_long_a_server_wants_to_be_left_alone_is_heard(
    door: Door, fetched: Callable[..., bytes]
) -> None:
    door.turn_away(Answer(429, b"later", headers={"Retry-After": "17"}))
    with pytest.raises(AwayError) as caught:
        fetched(f"{door.uri}/a.tgz")
    assert caught.value.retry_after == 17
    assert str(caught.value) == "the server answers 429 Too Many Requests (later)"


def test_a_server_that_is_away(fetched: Callable[..., bytes]) -> None:
    with pytest.raises(AwayError, match=r"the server cannot be reached \(.*Connection refused\)"):
        fetched(f"http://127.0.0.1:{free_port()}/a.tgz")
    with pytest.raises(AwayError, match=r"the server cannot be reached \("):
        fetched("http://no-such-host.invalid/a.tgz")


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("http:///a.tgz", "the address is of no use"),
        ("http://[::1/a.tgz", "the address is of no use"),
        (
            "gs://bucket/a.tgz",
            "what begins with gs: is not fetched; it may be runs, models, mlflow-",
        ),
        ("a.tgz", "what begins with : is not fetched"),
        ("file:///no/such/file", "there is no file /no/such/file in this pod"),
        ("mlflow-artifacts:/1/a.tgz", "it is kept by MLflow, and this job knows none"),
        ("runs:/1/a.tgz", "it is kept by MLflow, and this job knows none"),
        ("runs:/1", "it is neither runs:/RUN/PATH nor models:/NAME/VERSION/PATH"),
        ("models:/a/latest/b.tgz", "it is neither runs:/RUN/PATH nor models:/NAME/VERSION/PATH"),
        ("s3://bucket", "it names no object, as s3://BUCKET/KEY does"),
    ],
)
def test_what_is_no_address_is_told(fetched: Callable[..., bytes], uri: str, said: str) -> None:
    with pytest.raises(RefusedError) as caught:
        fetched(uri)
    assert str(caught.value).startswith(said)


def test_what_is_too_large_is_not_taken_down(
    door: Door, fetched: Callable[..., bytes], tmp_path: Path
) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(LIMIT + 1))
    door.turn_away(Answer(200, large.read_bytes()))
    for uri in (f"{door.uri}/a.tgz", large.as_uri()):
        with pytest.raises(RefusedError, match="it is larger than 1 MiB"):
            fetched(uri)


def test_a_file_of_the_pod(fetched: Callable[..., bytes], tmp_path: Path) -> None:
    file = tmp_path / "a key.tgz"
    file.write_bytes(CONTENT)
    assert fetched(file.as_uri()) == CONTENT
