"""MLflow's own function for requests, for whoever has a setting or a plugin that only it knows."""

import os
from typing import Any

# At the end of each run it would print an address between the lines of the log.
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.rest_utils import http_request
from requests import Response

from alidade_operator.tracking.transport import TIMEOUT_SECONDS


def send(
    uri: str, path: str, method: str, headers: dict[str, str] | None = None, **options: Any
) -> Response:
    """Send a request once, and return the answer, whatever it says.

    Raises:
        mlflow.exceptions.MlflowException: There was none.
    """
    answer: Response = http_request(
        get_default_host_creds(uri),
        path,
        method,
        max_retries=0,
        retry_codes=(),
        raise_on_status=False,
        respect_retry_after_header=False,
        timeout=TIMEOUT_SECONDS,
        extra_headers=headers,
        **options,
    )
    return answer
