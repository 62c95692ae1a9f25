"""Credentials and certificates: each test compares with what MLflow's own function sends."""

import base64
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from requests.exceptions import SSLError

from alidade_operator.tracking.mlflow_transport import send as as_mlflow
from alidade_operator.tracking.transport import transport
from tests.support.door import Answer, Door
from tests.support.loopback import Loopback


@pytest.fixture
def door() -> Iterator[Door]:
    with Door() as found:
        found.turn_away(Answer(200, b"{}", "application/json"))
        yield found


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    transport.cache_clear()
    yield
    transport.cache_clear()


def sign_in(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", value)


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("variables", "sent"),
    [
        ({}, None),
        ({"USERNAME": "ada"}, None),
        ({"USERNAME": "ada", "PASSWORD": "wörd"}, basic("ada", "wörd")),
        ({"TOKEN": "t"}, "Bearer t"),
        ({"USERNAME": "ada", "TOKEN": "t"}, "Bearer t"),
        ({"USERNAME": "ada", "PASSWORD": "p", "TOKEN": "t"}, basic("ada", "p")),
    ],
)
def test_who_asks_is_told_as_mlflow_tells_it(
    door: Door, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], sent: str | None
) -> None:
    sign_in(monkeypatch, **variables)
    for send in (transport(), as_mlflow):
        assert send(f"{door.uri}/", "/x", "GET", params={"a": "b"}).status_code == 200
    ours, theirs = door.seen
    assert ours.headers.get("Authorization") == theirs.headers.get("Authorization") == sent
    assert (ours.method, ours.path) == (theirs.method, theirs.path) == ("GET", "/x?a=b")


def test_credentials_may_be_in_mlflows_file(
    door: Door, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".mlflow").mkdir()
    (tmp_path / ".mlflow/credentials").write_text(
        "[mlflow]\nmlflow_tracking_username = ada\nmlflow_tracking_password = p\n"
    )
    transport()(door.uri, "/x", "GET")
    assert door.seen[0].headers["Authorization"] == basic("ada", "p")


@pytest.mark.parametrize("variables", [{"AUTH": "kubernetes"}, {"AWS_SIGV4": "true"}])
def test_a_way_to_sign_in_that_only_mlflow_knows_is_left_to_it(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    assert transport() is not as_mlflow
    transport.cache_clear()
    sign_in(monkeypatch, **variables)
    assert transport() is as_mlflow


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[str]:
    """The URL of a server whose certificate nobody knows but who reads its file."""
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", f"{tmp_path}/server.key", "-out", f"{tmp_path}/server.crt"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files],
        check=True,
        capture_output=True,
    )

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads this."""

    with Loopback(Handler, tmp_path) as server:
        yield f"https://127.0.0.1:{server.port}"


def test_certificates_are_those_that_mlflows_variables_name(
    secured: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(SSLError):
        transport()(secured, "/", "GET")
    sign_in(monkeypatch, SERVER_CERT_PATH=str(tmp_path / "server.crt"))
    assert transport()(secured, "/", "GET").status_code == 200
    sign_in(monkeypatch, INSECURE_TLS="true")
    with pytest.raises(ValueError, match="only one may be set"):
        transport()(secured, "/", "GET")
    monkeypatch.delenv("MLFLOW_TRACKING_SERVER_CERT_PATH")
    with pytest.warns(match="Unverified HTTPS request"):
        assert transport()(secured, "/", "GET").status_code == 200
