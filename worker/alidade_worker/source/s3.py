"""Files of S3, by the client that MLflow would use, with its variables for it."""

from pathlib import Path

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.exceptions import (
    ConnectionError as NoConnectionError,
)
from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository
from urllib3.exceptions import HTTPError

from alidade_core.words import words_of
from alidade_worker.source.answers import PIECE, save
from alidade_worker.source.problems import AwayError, RefusedError
from alidade_worker.source.uri import parts_of

_SERVER_ERRORS = 500
# Request Timeout, Too Many Requests; and what S3 itself says with other codes.
_LATER = frozenset({408, 429})
_LATER_CODES = frozenset({"RequestTimeout", "SlowDown", "Throttling", "ThrottlingException"})


def download(uri: str, target: Path, limit: int) -> None:
    """Write an object into a file.

    Args:
        uri: ``s3://BUCKET/KEY``.
        target: The file.
        limit: Of its size, in bytes.

    Raises:
        RefusedError: There is no such object for this job, or it is too large.
        AwayError: S3 cannot be reached.
    """
    parts = parts_of(uri)
    bucket, key = parts.netloc, parts.path.removeprefix("/")
    if not (bucket and key):
        raise RefusedError("it names no object, as s3://BUCKET/KEY does")
    try:
        client = S3ArtifactRepository(uri)._get_s3_client()
        body = client.get_object(Bucket=bucket, Key=key)["Body"]
        save(body.iter_chunks(PIECE), target, limit)
    except ClientError as error:
        raise _problem_of(error) from error
    except (NoConnectionError, HTTPClientError, IncompleteReadError, HTTPError) as error:
        raise AwayError(f"S3 cannot be reached ({words_of(error)})") from error
    except BotoCoreError as error:
        raise RefusedError(f"S3 cannot be asked ({words_of(error)})") from error


def _problem_of(error: ClientError) -> AwayError | RefusedError:
    told = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    words = f"S3 answers {status} {told.get('Code', '')} ({told.get('Message', '')})"
    later = status >= _SERVER_ERRORS or status in _LATER or told.get("Code") in _LATER_CODES
    return AwayError(words) if later else RefusedError(words)
