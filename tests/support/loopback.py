"""An HTTP server of this machine for the length of a test, on loopback by default."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

LOCALHOST = "127.0.0.1"


class Loopback:
    """Answers by a handler, on a free port.

    Args:
        handler: What answers a request.
        certificates: Folder of `server.crt` and `server.key`, None to speak in plain text.
        host: Address of this machine to listen at.
    """

    def __init__(
        self,
        handler: type[BaseHTTPRequestHandler],
        certificates: Path | None = None,
        host: str = LOCALHOST,
    ) -> None:
        self._server = ThreadingHTTPServer((host, 0), handler)
        if certificates is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
