"""MLflow's REST API, with every answer that is none of MLflow's told for what it is.

MLflow's own client keeps neither the code nor the words of what a proxy answers.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from requests import ConnectionError as NoConnectionError
from requests import Response, Timeout

from alidade_core.first_words import first_words
from alidade_core.retry_after import retry_after
from alidade_core.words import last_of, shorten
from alidade_operator.tracking.tracking import TrackingError
from alidade_operator.tracking.transport import TIMEOUT_SECONDS, transport

Body = dict[str, Any]

API: Final = "/api/2.0/mlflow/"
RESOURCE_DOES_NOT_EXIST: Final = "RESOURCE_DOES_NOT_EXIST"
RESOURCE_ALREADY_EXISTS: Final = "RESOURCE_ALREADY_EXISTS"
INVALID_PARAMETER_VALUE: Final = "INVALID_PARAMETER_VALUE"
MAX_CAUSE: Final = 120

_READ_BYTES = 4096
_ERRORS = 400
_SERVER_ERRORS = 500
# Request Timeout, Too Early, Too Many Requests: who says so will answer later.
_LATER = frozenset({408, 425, 429})


class Rest:
    """An MLflow server's REST API; every method raises TrackingError, and none tries twice.

    Who sends again what may have arrived makes a second run.

    Args:
        uri: Where the server is; credentials come from MLflow's own environment variables.
        may_write: Called before each request that changes something; raises where none may be made.
    """

    def __init__(self, uri: str, may_write: Callable[[], None] = lambda: None) -> None:
        self._uri = uri
        self._may_write = may_write

    def get(self, path: str, **parameters: str) -> Body:
        """Ask for something."""
        return _json(_request(self._uri, API + path, "GET", params=parameters))

    def search(self, kind: str, **body: Any) -> Body:
        """Ask for a page of what there is of a kind."""
        return _json(_request(self._uri, f"{API}{kind}/search", "POST", json=body))

    def post(self, path: str, **body: Any) -> Body:
        """Have something done."""
        self._may_write()
        return _json(_request(self._uri, API + path, "POST", json=body))


def put_file(uri: str, path: str, file: Path) -> None:
    """Store a file by MLflow's proxy of artifacts.

    Raises:
        TrackingError: It was not stored.
    """
    with file.open("rb") as content:
        headers = {"Content-Type": "text/plain"}
        _request(uri, path, "PUT", data=content, headers=headers)


def _request(uri: str, path: str, method: str, **options: Any) -> Response:
    try:
        answer = transport()(uri, path, method, **options)
    except Exception as error:
        # Plugins raise what they like, and what is wrong with a certificate is an OSError.
        raise TrackingError(_cause(error), unreachable=True) from error
    if answer.status_code >= _ERRORS:
        raise _refusal(answer)
    return answer


def _refusal(answer: Response) -> TrackingError:
    status = answer.status_code
    told = _words(answer) or answer.reason or "nothing more"
    try:
        code = answer.json()["error_code"]
    except (ValueError, TypeError, KeyError, RecursionError):
        code = ""
    return TrackingError(
        f"answers {status}: {told}",
        unreachable=status >= _SERVER_ERRORS or status in _LATER,
        status=status,
        code=code if isinstance(code, str) else "",
        retry_after=retry_after(answer.headers),
    )


def _json(answer: Response) -> Body:
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        told = _words(answer) or "nothing"
        raise TrackingError(
            f"answers {answer.status_code}, but not as MLflow does: {told}",
            unreachable=False,
            status=answer.status_code,
        )
    return body


def _words(answer: Response) -> str:
    return first_words(answer.content[:_READ_BYTES].decode(errors="replace"))


def _cause(error: BaseException) -> str:
    """Say why there was no answer, in the same words each time."""
    known = (Timeout, NoConnectionError)
    # MLflow's function raises its own error for each.
    cause = error if isinstance(error, known) else error.__cause__ or error.__context__ or error
    if isinstance(cause, Timeout):
        return f"no answer within {TIMEOUT_SECONDS} s"
    if isinstance(cause, NoConnectionError):
        return last_of(cause, MAX_CAUSE)
    return shorten(str(cause), MAX_CAUSE)
