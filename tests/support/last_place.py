"""Requests that are never finished, so that the API server has no place for others of the kind."""

import contextlib
import socket
import ssl
import threading
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import yaml

# Everybody may ask what he may do. Of what he asks the body never comes.
PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
PAUSE_SECONDS = 0.02


class LastPlace:
    """Takes the one place that a priority level without any has, time and again.

    The API server carries out a request if the level carries out no other, however few places
    there are. It gives one up that does not come to an end in a minute.

    Args:
        kubeconfig: Of an account, with a token.
    """

    def __init__(self, kubeconfig: Path) -> None:
        found = yaml.safe_load(kubeconfig.read_text())
        cluster = found["clusters"][0]["cluster"]
        self._address = urlsplit(cluster["server"]).netloc
        self._context = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self._token = found["users"][0]["user"]["token"]
        self._connection: HTTPSConnection | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        while self._thread.is_alive():
            with contextlib.suppress(OSError):
                if self._connection is not None and self._connection.sock is not None:
                    self._connection.sock.shutdown(socket.SHUT_RDWR)
            self._thread.join(PAUSE_SECONDS)

    def _run(self) -> None:
        while not self._done.wait(PAUSE_SECONDS):
            with contextlib.suppress(OSError, HTTPException):
                self._ask()

    def _ask(self) -> None:
        self._connection = connection = HTTPSConnection(self._address, context=self._context)
        connection.putrequest("POST", PATH)
        connection.putheader("Authorization", f"Bearer {self._token}")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "2")
        connection.endheaders()
        # It is turned away, as somebody else has the place, or given up.
        connection.getresponse()
        connection.close()
