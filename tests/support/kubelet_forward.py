"""The part of a kubelet that forwards ports, to which the API server passes a websocket on.

In a frame of it the first byte is a channel: 0 has the port's data, 1 what went wrong; on each the
port itself comes first (kubelet/pkg/cri/streaming/portforward).
"""

import base64
import contextlib
import hashlib
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from wsproto.frame_protocol import FrameProtocol, Opcode

from tests.support.loopback import Loopback

_DATA, _ERRORS = b"\x00", b"\x01"
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BYTES = 65536


class ForwardServer(Loopback):
    """Every port of every pod leads to one of 127.0.0.1.

    Args:
        certificates: Folder of `server.crt` and `server.key`.
        target: That port.
    """

    def __init__(self, certificates: Path, target: int) -> None:
        class Handler(_Handler):
            leads_to = target

        super().__init__(Handler, certificates)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    leads_to = 0

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if not asked.path.startswith("/portForward/"):
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        port = int(parse_qs(asked.query)["port"][0]).to_bytes(2, "little")
        key = self.headers["Sec-WebSocket-Key"] + _GUID
        self.send_response(HTTPStatus.SWITCHING_PROTOCOLS)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        digest = hashlib.sha1(key.encode(), usedforsecurity=False).digest()
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.end_headers()
        frames = FrameProtocol(client=False, extensions=[])
        for channel in (_DATA, _ERRORS):
            self.wfile.write(frames.send_data(channel + port))
        with socket.create_connection(("127.0.0.1", self.leads_to)) as target:
            back = threading.Thread(target=self._pass_back, args=(target, frames), daemon=True)
            back.start()
            self._pass_on(target, frames)
            back.join()
        self.close_connection = True

    def _pass_on(self, target: socket.socket, frames: FrameProtocol) -> None:
        while data := self.connection.recv(_BYTES):
            frames.receive_bytes(data)
            for frame in frames.received_frames():
                if frame.opcode is Opcode.CLOSE:
                    target.shutdown(socket.SHUT_RDWR)
                    return
                if isinstance(frame.payload, (bytes, bytearray)):
                    target.sendall(frame.payload[1:])
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def _pass_back(self, target: socket.socket, frames: FrameProtocol) -> None:
        with contextlib.suppress(OSError):
            while data := target.recv(_BYTES):
                self.connection.sendall(frames.send_data(_DATA + data))

    def log_message(self, *_: object) -> None:
        """Nobody reads this."""
