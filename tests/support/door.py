"""A door before a server, which answers by itself as long as it is told to."""

from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.support.loopback import Loopback


class Answer(NamedTuple):
    """An answer of the door's own.

    Attributes:
        status: The HTTP status.
        body: The body as it is sent.
        kind: Its content type.
        headers: Further headers.
        length: The length that it claims to have, if not its own.
    """

    status: int
    body: bytes = b""
    kind: str = "text/html"
    headers: Mapping[str, str] = {}
    length: int | None = None


class Request(NamedTuple):
    """What came to the door."""

    method: str
    path: str
    body: bytes
    headers: Mapping[str, str] = {}


Rule = Callable[[Request], Answer | None]


class Door(Loopback):
    """A way to a server that turns away what a rule says.

    Args:
        target: URL of the server; empty where there is none.
    """

    def __init__(self, target: str = "") -> None:
        self._target = urlsplit(target).netloc
        self.rule: Rule = lambda request: None
        self.seen: list[Request] = []
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._handle()

            def do_POST(self) -> None:
                self._handle()

            def do_PUT(self) -> None:
                self._handle()

            def _handle(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                request = Request(
                    self.command, self.path, self.rfile.read(length), dict(self.headers)
                )
                door.seen.append(request)
                kept = {k: v for k, v in self.headers.items() if k.lower() != "host"}
                self._send(door.rule(request) or door.pass_on(request, kept))

            def _send(self, answer: Answer) -> None:
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.kind)
                length = len(answer.body) if answer.length is None else answer.length
                self.send_header("Content-Length", str(length))
                self.send_header("Connection", "close")
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Nobody reads this."""

        super().__init__(Handler)
        self.uri = f"http://127.0.0.1:{self.port}"

    def turn_away(self, answer: Answer) -> None:
        """Answer everything so from now on."""
        self.rule = lambda request: answer

    def open(self) -> None:
        """Pass everything on from now on."""
        self.rule = lambda request: None

    def pass_on(self, request: Request, headers: Mapping[str, str]) -> Answer:
        """Ask the server."""
        server = HTTPConnection(self._target)
        server.request(request.method, request.path, request.body, dict(headers))
        answer = server.getresponse()
        body = answer.read()
        server.close()
        return Answer(answer.status, body, answer.headers.get("Content-Type", "text/plain"))
