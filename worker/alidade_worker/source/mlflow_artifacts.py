"""Files of MLflow's artifact store, by the server's proxy of it.

Requests go through MLflow's own function, which knows its credentials, certificates and plugins;
its client above that keeps neither the code nor the words of what a proxy answers.
"""

import json
from functools import reduce
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request
from requests import Response
from urllib3.exceptions import HTTPError

from alidade_core.words import words_of
from alidade_worker.source.answers import AS_IT_IS, check, receive, told
from alidade_worker.source.limits import MEBIBYTE
from alidade_worker.source.problems import AwayError, RefusedError, TurnedAwayError
from alidade_worker.source.uri import parts_of
from alidade_worker.source.web import problem_of

# Of MLflow behind a login, or of something before it, as for the run itself.
_TURNED_AWAY = frozenset({401, 403})
_NOT_FOUND = 404
# A run with all its metrics, parameters and tags is smaller by far.
_LONGEST_ANSWER = 16 * MEBIBYTE


def artifact_address(uri: str, tracking_uri: str, timeout: float) -> str:
    """Return where an artifact of a run, or of a version of a model, is.

    Args:
        uri: ``runs:/RUN/PATH`` or ``models:/NAME/VERSION/PATH``.
        tracking_uri: MLflow's.
        timeout: Seconds for which it may say nothing.

    Raises:
        RefusedError: MLflow has no such run or version.
        AwayError: MLflow cannot be asked.
    """
    fields: tuple[str, ...]
    match uri.partition(":")[0], unquote(parts_of(uri).path).lstrip("/").split("/", 2):
        case "runs", [run_id, *path] if path:
            found = _ask(tracking_uri, "runs/get", timeout, run_id=run_id)
            fields = ("run", "info", "artifact_uri")
        case "models", [name, version, *path] if path and version.isdecimal():
            api = "model-versions/get-download-uri"
            found = _ask(tracking_uri, api, timeout, name=name, version=version)
            fields = ("artifact_uri",)
        case _:
            raise RefusedError("it is neither runs:/RUN/PATH nor models:/NAME/VERSION/PATH")
    try:
        root = reduce(lambda part, field: part[field], fields, found)
    except (TypeError, KeyError) as error:
        raise TurnedAwayError("MLflow's address answers, but not as MLflow does") from error
    return f"{str(root).rstrip('/')}/{'/'.join(path)}"


def download(uri: str, target: Path, limit: int, tracking_uri: str, timeout: float) -> None:
    """Write an artifact into a file.

    Args:
        uri: ``mlflow-artifacts:/PATH``.
        target: The file.
        limit: Of its size, in bytes.
        tracking_uri: MLflow's.
        timeout: Seconds for which it may say nothing.

    Raises:
        RefusedError: MLflow has no such artifact, or it is too large.
        AwayError: MLflow cannot be asked.
    """
    if not tracking_uri:
        raise RefusedError("it is kept by MLflow, and this job knows none")
    try:
        address = MlflowArtifactsRepository.resolve_uri(uri, tracking_uri)
    except MlflowException as error:
        raise RefusedError(f"it is no artifact's address ({error.message})") from error
    with _request(address, "", timeout, extra_headers=AS_IT_IS) as answer:
        _check(answer)
        receive(answer.raw, target, limit)


def _ask(tracking_uri: str, api: str, timeout: float, **parameters: str) -> Any:
    answer = _request(tracking_uri, f"/api/2.0/mlflow/{api}", timeout, params=parameters)
    _check(answer)
    try:
        # Of one that is longer, as of none that is JSON, nothing is of use.
        return json.loads(answer.raw.read(_LONGEST_ANSWER, decode_content=True))
    except (ValueError, RecursionError):
        return None
    except HTTPError as error:
        raise AwayError(f"the server breaks off ({words_of(error)})") from error


def _request(uri: str, path: str, timeout: float, **options: Any) -> Response:
    if not uri:
        raise RefusedError("it is kept by MLflow, and this job knows none")
    try:
        answer: Response = http_request(
            get_default_host_creds(uri),
            path,
            "GET",
            max_retries=0,
            retry_codes=(),
            raise_on_status=False,
            respect_retry_after_header=False,
            timeout=timeout,
            stream=True,
            **options,
        )
    except MlflowException as error:
        raise problem_of(error.__cause__ or error.__context__ or error, timeout) from error
    return answer


def _check(answer: Response) -> None:
    status = answer.status_code
    own = "json" in answer.headers.get("Content-Type", "")
    if status in _TURNED_AWAY or (status == _NOT_FOUND and not own):
        raise TurnedAwayError(told(answer.raw))
    check(answer.raw)
