"""How a request gets to MLflow: with the credentials and certificates that its client takes.

MLflow's own function for requests brings all of MLflow with it, most of the memory of an operator
that has nothing to do. So what it does for the settings that nearly everybody has is done here, and
it is asked itself only where a setting or a plugin needs it.
"""

import os
from configparser import ConfigParser
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, Protocol, cast

from requests import PreparedRequest, Response, Session
from requests.auth import AuthBase, HTTPBasicAuth

TIMEOUT_SECONDS: Final = int(os.environ.get("MLFLOW_HTTP_REQUEST_TIMEOUT", "15"))

# A way to sign in that a plugin knows, or AWS; workspaces; plugins that add headers.
_LEFT_TO_MLFLOW: Final = ("MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4", "MLFLOW_WORKSPACE")
_PLUGINS: Final = "mlflow.request_header_provider"
_TRUE: Final = ("true", "1")


class Send(Protocol):
    """Sends a request, once; raises whatever keeps it from being answered."""

    def __call__(self, uri: str, path: str, method: str, **options: Any) -> Response:
        """Return the answer, whatever it says."""
        ...


@cache
def transport() -> Send:
    """Return how requests are sent in this process."""
    needs_mlflow = any(map(os.environ.get, _LEFT_TO_MLFLOW)) or entry_points(group=_PLUGINS)
    if needs_mlflow:
        return cast(Send, import_module("alidade_operator.tracking.mlflow_transport").send)
    return _OwnTransport()


class _OwnTransport:
    def __init__(self) -> None:
        # Shared by threads, as MLflow's is; none of its adapters sends twice.
        self._session = Session()
        self._session.headers["User-Agent"] = "alidade-operator"

    def __call__(self, uri: str, path: str, method: str, **options: Any) -> Response:
        return self._session.request(
            method,
            uri.removesuffix("/") + path,
            auth=_credentials(),
            verify=_verified_by(),
            cert=os.environ.get("MLFLOW_TRACKING_CLIENT_CERT_PATH"),
            timeout=TIMEOUT_SECONDS,
            **options,
        )


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _credentials() -> AuthBase | None:
    file = ConfigParser()
    file.read(Path("~/.mlflow/credentials").expanduser())
    name, password = (
        os.environ.get(variable) or file.get("mlflow", variable, fallback=None)
        for variable in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
    )
    if name and password:
        return HTTPBasicAuth(name.encode(), password.encode())
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return _Bearer(token) if token else None


def _verified_by() -> bool | str:
    insecure = os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in _TRUE
    authorities = os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH")
    if insecure and authorities is not None:
        raise ValueError(
            "of MLFLOW_TRACKING_INSECURE_TLS and MLFLOW_TRACKING_SERVER_CERT_PATH only one may be "
            "set"
        )
    return not insecure if authorities is None else authorities
