"""The part of a kubelet that serves logs, which the API server fetches from it."""

from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.loopback import Loopback


def line(pod: str, container: str = "worker") -> str:
    """Return what a container has said."""
    return f"{container} of {pod} was here\n"


def _line(pod: str, container: str) -> bytes:
    return line(pod, container).encode()


class LogServer(Loopback):
    """Every container of every pod has said one line, or what else a test lets it have said.

    Args:
        certificates: Folder of `server.crt` and `server.key`.
        said: What a container of a pod has said.
    """

    def __init__(self, certificates: Path, said: Callable[[str, str], bytes] = _line) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, _, pod, container = urlsplit(self.path).path.strip("/").split("/")
                content = said(pod, container)
                known = kind == "containerLogs"
                self.send_response(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Nobody reads this."""

        super().__init__(Handler, certificates)
