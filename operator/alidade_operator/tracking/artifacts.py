"""Artifacts: stored by MLflow's proxy of them, or written to their place directly."""

from pathlib import Path

from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository

from alidade_operator.tracking.rest import put_file
from alidade_operator.tracking.tracking import TrackingError


def store(tracking_uri: str, artifact_uri: str, file: Path, folder: str) -> None:
    """Store a file in a folder of a run's artifacts.

    Args:
        tracking_uri: The server.
        artifact_uri: Where the run's artifacts are.
        file: The file.
        folder: The folder there.

    Raises:
        TrackingError: It was not stored.
    """
    repository = get_artifact_repository(artifact_uri, tracking_uri=tracking_uri)
    if isinstance(repository, HttpArtifactRepository):
        put_file(repository.artifact_uri, f"/{folder}/{file.name}", file)
        return
    try:
        repository.log_artifact(str(file), folder)
    except Exception as error:
        # These raise what their libraries do; S3's tell the status so.
        answer = getattr(error, "response", None)
        told = answer.get("ResponseMetadata", {}) if isinstance(answer, dict) else {}
        status = told.get("HTTPStatusCode")
        raise TrackingError(
            f"artifacts at {artifact_uri}: {type(error).__name__}: {error}",
            unreachable=False,
            status=status if isinstance(status, int) else None,
        ) from error
