"""The part of a kubelet that serves logs, which the API server fetches from it."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from tests.support.loopback import Loopback

_WRITTEN = b"2026-03-01T12:00:00.000000000Z"
"""When each line was."""


def line(pod: str, container: str = "worker") -> str:
    """Return what a container has said."""
    return f"{container} of {pod} was here\n"


def _line(pod: str, container: str) -> bytes:
    return line(pod, container).encode()


def _asked_for(said: bytes, query: Mapping[str, str]) -> bytes:
    """Return what of a log a query asks for, of those that the operator has."""
    if query.get("timestamps") == "true":
        said = b"".join(_WRITTEN + b" " + line for line in said.splitlines(keepends=True))
    return said[: int(query.get("limitBytes", len(said)))]


class LogServer(Loopback):
    """Every container of every pod has said one line, or what else a test lets it have said.

    Args:
        certificates: Folder of `server.crt` and `server.key`.
        said: What a container of a pod has said.
    """

    def __init__(self, certificates: Path, said: Callable[[str, str], bytes] = _line) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                kind, _, pod, container = url.path.strip("/").split("/")
                content = _asked_for(said(pod, container), dict(parse_qsl(url.query)))
                known = kind == "containerLogs"
                self.send_response(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Nobody reads this."""

        super().__init__(Handler, certificates)
