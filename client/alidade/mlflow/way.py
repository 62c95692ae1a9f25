"""The way to MLflow: MLFLOW_TRACKING_URI if it is set, else by port-forward to the chart's own."""

import base64
import os
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, Final
from urllib.parse import urlsplit

from alidade.errors import AlidadeError, NotFoundError, UnreachableError
from alidade.installation import INSTALLATION, installation
from alidade.k8s.connection import Kube
from alidade.k8s.forward import forwarded
from alidade.k8s.kinds import CONFIG_MAPS, PODS, SECRETS
from alidade.mlflow.rest import LOGIN_SECRET, Mlflow

Body = dict[str, Any]

_LOGIN: Final = tuple(f"MLFLOW_TRACKING_{name}" for name in ("TOKEN", "USERNAME", "PASSWORD"))
_SEARCHED: Final = (
    f"set MLFLOW_TRACKING_URI, or {INSTALLATION} to the namespace that Alidade is installed in"
)


def is_set() -> bool:
    """Say whether MLFLOW_TRACKING_URI says where MLflow is."""
    return bool(os.environ.get("MLFLOW_TRACKING_URI"))


async def told_to_clients(kube: Kube) -> Mapping[str, str]:
    """Return what the installation tells clients, as its chart has written it down.

    Raises:
        NotFoundError: There is no installation where it was looked for.
        ForbiddenError: The user may not read it.
    """
    namespace, name = installation()
    try:
        found = await kube.get(CONFIG_MAPS, f"{name}-client", namespace, installation=True)
    except NotFoundError as error:
        raise NotFoundError(
            f"there is no installation of Alidade in namespace {namespace} (no ConfigMap "
            f"{name}-client): {_SEARCHED}"
        ) from error
    told: Mapping[str, str] = found.get("data", {})
    return told


async def open_way(kube: Kube, stack: AsyncExitStack, port: int | None = None) -> Mlflow:
    """Reach MLflow; what is opened for that is closed with the stack.

    Args:
        kube: The API server, by which it is reached if need be.
        stack: What closes the way again.
        port: Port of localhost to forward from; None: any that is free.

    Raises:
        AlidadeError: It cannot be reached, or a right is missing.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri:
        uri = await _forwarded(kube, stack, port)
    elif (meant := _port_of_nobody(uri)) is not None:
        # As the testbed's notebooks set it.
        try:
            await _forwarded(kube, stack, meant)
        except AlidadeError as error:
            raise UnreachableError(
                f"nobody listens at {uri}, which MLFLOW_TRACKING_URI names, and it cannot be "
                f"forwarded to MLflow: {error}"
            ) from error
    return await stack.enter_async_context(Mlflow(uri, await login(kube)))


def _port_of_nobody(uri: str) -> int | None:
    """Return the port of localhost that is named and that nobody listens on, None if it is not."""
    named = urlsplit(uri)
    if named.hostname not in ("localhost", "127.0.0.1") or named.port is None:
        return None
    with socket.socket() as probe:
        return named.port if probe.connect_ex(("127.0.0.1", named.port)) else None


async def _forwarded(kube: Kube, stack: AsyncExitStack, port: int | None) -> str:
    told = await told_to_clients(kube)
    if told.get("trackingUri"):
        return told["trackingUri"]
    namespace, _ = installation()
    selector = told.get("mlflowPods", "")
    pods = await kube.list(PODS, namespace, installation=True, labelSelector=selector)
    ready = next((pod["metadata"]["name"] for pod in pods if _is_ready(pod)), None)
    if ready is None:
        raise UnreachableError(f"no pod of MLflow is ready in namespace {namespace} ({selector})")
    way = forwarded(kube, namespace, ready, int(told["mlflowPort"]), port)
    return f"http://127.0.0.1:{await stack.enter_async_context(way)}"


def _is_ready(pod: Body) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


async def login(kube: Kube) -> dict[str, str]:
    """Return the login: of the environment, or else of the Secret in the user's namespace.

    Who may not read Secrets, or has none, is let in by servers that ask nobody; others say what
    is missing.
    """
    own = {name: os.environ[name] for name in _LOGIN if os.environ.get(name)}
    if own:
        return own
    try:
        secret = await kube.get(SECRETS, LOGIN_SECRET)
    except AlidadeError:
        return {}
    found = secret.get("data") or {}
    return {name: base64.b64decode(found[name]).decode() for name in _LOGIN if found.get(name)}
