"""Artifacts: stored by MLflow's proxy of them, or written to their place directly."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from alidade_operator.tracking.rest import put_file
from alidade_operator.tracking.store_process import Child
from alidade_operator.tracking.tracking import TrackingError

PROXY: Final = "/api/2.0/mlflow-artifacts/artifacts"


def store(child: Child, tracking_uri: str, artifact_uri: str, file: Path, folder: str) -> None:
    """Store a file in a folder of a run's artifacts.

    Args:
        child: What knows the stores.
        tracking_uri: The server.
        artifact_uri: Where the run's artifacts are.
        file: The file.
        folder: The folder there.

    Raises:
        TrackingError: It was not stored.
    """
    served = served_at(tracking_uri, artifact_uri)
    if served is not None:
        put_file(served, f"/{folder}/{file.name}", file)
        return
    refusal = child.store(artifact_uri, str(file), folder)
    if refusal is not None:
        told, status = refusal
        raise TrackingError(
            f"artifacts at {artifact_uri}: {told}", unreachable=False, status=status
        )


def served_at(tracking_uri: str, artifact_uri: str) -> str | None:
    """Return the URL of artifacts that a server takes, None where they are in a store.

    As MLflow's client has it, `mlflow-artifacts:/1/a` is where the tracking server serves them.
    """
    place, server = urlsplit(artifact_uri), urlsplit(tracking_uri)
    if place.scheme in ("http", "https"):
        return artifact_uri
    if place.scheme != "mlflow-artifacts":
        return None
    path = re.sub("//+", "/", f"{server.path}/{PROXY}/{place.path}").rstrip("/")
    return urlunsplit((server.scheme, place.netloc or server.netloc, path, "", ""))
