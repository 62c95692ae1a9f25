"""An HTTP proxy that passes everything on, and loses answers when it is told to."""

import threading
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit


class LossyProxy:
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

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

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
