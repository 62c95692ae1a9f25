"""An HTTP proxy that passes everything on, and loses answers when it is told to."""

from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.support.loopback import Loopback


class LossyProxy(Loopback):
    """A way to a server on which answers get lost.

    Args:
        target: URL of the server.
        lossy: The end of the path of the requests whose answers get lost.
        losses: How many of them.
    """

    def __init__(self, target: str, lossy: str, losses: int) -> None:
        self._target = urlsplit(target).netloc
        self._lossy = lossy
        self.left = losses
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                proxy.pass_on(self)

            def do_POST(self) -> None:
                proxy.pass_on(self)

            def log_message(self, *_: object) -> None:
                """Nobody reads this."""

        super().__init__(Handler)
        self.uri = f"http://127.0.0.1:{self.port}"

    def pass_on(self, request: BaseHTTPRequestHandler) -> None:
        """Pass a request on, and its answer back unless that gets lost."""
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        connection = HTTPConnection(self._target)
        connection.request(request.command, request.path, body, dict(request.headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        request.close_connection = True
        if self.left and answer.status == HTTPStatus.OK and request.path.endswith(self._lossy):
            self.left -= 1
            return
        request.send_response(answer.status)
        request.send_header("Content-Type", answer.headers.get("Content-Type", ""))
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)
