"""An admission webhook that says no, as most do: with words, and without a code."""

import json
from base64 import b64encode
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from tests.support.loopback import Loopback


class Webhook(Loopback):
    """Refuses whatever it is asked about, or lets it pass.

    Args:
        certificates: Folder of `ca.crt`, `server.crt` and `server.key`.
        words: Why it refuses, None to let pass; may be changed.
    """

    def __init__(self, certificates: Path, words: str | None) -> None:
        self.words = words
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                response = {"uid": review.pop("request")["uid"], "allowed": webhook.words is None}
                if webhook.words is not None:
                    response["status"] = {"message": webhook.words}
                review["response"] = response
                content = json.dumps(review).encode()
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Nobody reads this."""

        super().__init__(Handler, certificates)
        self._authority = (certificates / "ca.crt").read_bytes()

    @property
    def client_config(self) -> dict[str, Any]:
        """What an API server has to know to call it."""
        return {
            "url": f"https://127.0.0.1:{self.port}/",
            "caBundle": b64encode(self._authority).decode(),
        }
