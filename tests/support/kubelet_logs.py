"""The part of a kubelet that serves logs, which the API server fetches from it."""

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.loopback import Loopback


class LogServer(Loopback):
    """Every container of every pod has said one line.

    Args:
        certificates: Folder of `server.crt` and `server.key`.
    """

    def __init__(self, certificates: Path) -> None:
        super().__init__(_Handler, certificates)


def line(pod: str, container: str = "worker") -> str:
    """Return what a container has said."""
    return f"{container} of {pod} was here\n"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind, _, pod, container = urlsplit(self.path).path.strip("/").split("/")
        content = line(pod, container).encode()
        self.send_response(HTTPStatus.OK if kind == "containerLogs" else HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nobody reads this."""
