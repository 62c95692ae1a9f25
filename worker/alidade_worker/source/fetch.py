"""Fetches a file, whatever it is kept by, and checks that it is the one that is meant."""

import hashlib
import shutil
from pathlib import Path
from urllib.request import url2pathname

from alidade_worker.source import mlflow_artifacts, web
from alidade_worker.source.limits import MEBIBYTE
from alidade_worker.source.means import Means
from alidade_worker.source.problems import RefusedError
from alidade_worker.source.uri import parts_of

SCHEMES = ("runs", "models", "mlflow-artifacts", "s3", "http", "https", "file")


def fetch_file(uri: str, sha256: str, target: Path, limit: int, means: Means) -> None:
    """Write what is at an address into a file, once it is known to have this digest.

    Args:
        uri: The address, of one of :data:`SCHEMES`.
        sha256: 64 hexadecimal digits.
        target: The file.
        limit: Of its size, in bytes.
        means: What it is fetched with.

    Raises:
        RefusedError: It is not there, too large, or another than is meant.
        AwayError: It cannot be reached, for as long as it was tried.
    """
    means.patience.persist(lambda: _download(uri, target, limit, means))
    with target.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        target.unlink()
        raise RefusedError(f"its sha256 is {found}, not {sha256}: it is not what was asked for")


def _download(uri: str, target: Path, limit: int, means: Means) -> None:
    scheme = parts_of(uri).scheme
    if scheme in {"runs", "models"}:
        uri = mlflow_artifacts.artifact_address(uri, means.tracking_uri, means.timeout)
        scheme = parts_of(uri).scheme
        if scheme == "file":
            raise RefusedError(f"MLflow keeps it in its own file system ({uri})")
    match scheme:
        case "mlflow-artifacts":
            mlflow_artifacts.download(uri, target, limit, means.tracking_uri, means.timeout)
        case "http" | "https":
            web.download(uri, target, limit, means.timeout)
        case "s3":
            # Only those who need it wait for its import.
            from alidade_worker.source import s3  # noqa: PLC0415

            s3.download(uri, target, limit)
        case "file":
            _copy(Path(url2pathname(parts_of(uri).path)), target, limit)
        case _:
            raise RefusedError(
                f"what begins with {scheme}: is not fetched; it may be {', '.join(SCHEMES)}"
            )


def _copy(source: Path, target: Path, limit: int) -> None:
    if not source.is_file():
        raise RefusedError(f"there is no file {source} in this pod")
    if source.stat().st_size > limit:
        raise RefusedError(f"it is larger than {limit // MEBIBYTE:,} MiB")
    shutil.copyfile(source, target)
