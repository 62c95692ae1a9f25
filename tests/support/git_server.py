"""Git repositories of this machine, by git's own program for them, with and without a login."""

import base64
import os
import subprocess
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.loopback import LOCALHOST, Loopback

USER, PASSWORD = "someone", "pass:word\u00e9"


def git(folder: Path, *words: str) -> str:
    """Run git in a folder as nobody in particular, and return what it says."""
    name = (
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@example.org",
        "-c",
        "protocol.file.allow=always",
    )
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-C", str(folder), *name, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


def commit_all(folder: Path) -> str:
    """Commit all that is in a folder, and return the commit's name."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "x")
    return git(folder, "rev-parse", "HEAD")


class GitServer(Loopback):
    """The repositories below a folder, by `git http-backend`.

    Attributes:
        login: Whether one has to have it.
        fault: Asked before each request for an answer in its place: a status, and headers.
        seen: Paths of the requests that came.
    """

    def __init__(self, root: Path, host: str = LOCALHOST) -> None:
        self._root = root
        self.login = False
        self.fault: Callable[[str], tuple[int, dict[str, str]] | None] = lambda path: None
        self.seen: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def do_POST(self) -> None:
                server.answer(self)

            def log_message(self, *_: object) -> None:
                """Nobody reads this."""

        super().__init__(Handler, host=host)
        self.uri = f"http://{host}:{self.port}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a request, or turn it away."""
        self.seen.append(request.path)
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        fault = self.fault(request.path) or self._stranger(request)
        if fault is not None:
            request.send_response(fault[0])
            for name, value in fault[1].items():
                request.send_header(name, value)
            request.end_headers()
            return
        head, _, content = self._ask(request, body).partition(b"\r\n\r\n")
        headers = [line.partition(": ")[::2] for line in head.decode().split("\r\n")]
        status = next((value for name, value in headers if name == "Status"), "200")
        request.send_response(int(status[:3]))
        for name, value in headers:
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)

    def _stranger(self, request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str]] | None:
        known = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if not self.login or request.headers.get("Authorization") == known:
            return None
        return 401, {"WWW-Authenticate": 'Basic realm="git"'}

    def _ask(self, request: BaseHTTPRequestHandler, body: bytes) -> bytes:
        parts = urlsplit(request.path)
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self._root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": request.command,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        }
        command = ["git", "http-backend"]
        # It answers that something is not there, and fails.
        return subprocess.run(
            command, input=body, capture_output=True, check=False, env=environment
        ).stdout
