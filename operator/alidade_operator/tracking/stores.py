"""MLflow's stores of artifacts, which need all of its package: used in a process of their own."""

from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

# What these import when they are first used.
_LIBRARIES: Final = {
    "s3": "boto3",
    "r2": "boto3",
    "b2": "boto3",
    "gs": "google.cloud.storage",
    "wasb": "azure.storage.blob",
    "wasbs": "azure.storage.blob",
    "abfss": "azure.storage.filedatalake",
    "hdfs": "pyarrow",
    "viewfs": "pyarrow",
    "sftp": "pysftp",
}
# Of any server: none of these stores asks it.
_SERVER: Final = "http://localhost"


class Stores:
    """Where artifacts are kept that no server takes."""

    def store(self, artifact_uri: str, file: str, folder: str) -> tuple[str, int | None] | None:
        """Store a file in a folder of a run's artifacts.

        Returns:
            Why it was not stored, and the HTTP status if there was one.
        """
        try:
            get_artifact_repository(artifact_uri, tracking_uri=_SERVER).log_artifact(file, folder)
        except Exception as error:
            # These raise what their libraries do; S3's tell the status so.
            answer = getattr(error, "response", None)
            told = answer.get("ResponseMetadata", {}) if isinstance(answer, dict) else {}
            status = told.get("HTTPStatusCode")
            return f"{type(error).__name__}: {error}", status if isinstance(status, int) else None
        return None

    def lacking(self, location: str) -> str | None:
        """Say what this image lacks to store artifacts at a place, None where that is nothing."""
        scheme = urlsplit(location).scheme
        library = _LIBRARIES.get(scheme)
        if library and not _is_there(library):
            return (
                f"for {scheme}:// the operator's image lacks the Python library {library}; install "
                "it there and in the jobs' images, or let the tracking server store the artifacts"
            )
        try:
            get_artifact_repository(location, tracking_uri=_SERVER)
        except MlflowException as error:
            return f"MLflow cannot use it: {error.message}"
        except ImportError as error:
            return f"for {scheme}:// the operator's image lacks a Python library: {error}"
        except Exception:
            # A store that wants credentials says so when it is used.
            return None
        return None


def _is_there(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except ModuleNotFoundError:
        return False
