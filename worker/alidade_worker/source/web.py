"""Files of HTTP servers."""

from pathlib import Path

import requests
from requests.exceptions import (
    ConnectionError as NoConnectionError,
)
from requests.exceptions import (
    RequestException,
    SSLError,
    Timeout,
)

from alidade_core.words import last_of
from alidade_worker.source.answers import AS_IT_IS, receive
from alidade_worker.source.problems import AwayError, RefusedError

_LONGEST_CAUSE = 200


def download(uri: str, target: Path, limit: int, timeout: float) -> None:
    """Write what is at an address into a file.

    Args:
        uri: The address; user and password in it are sent along.
        target: The file.
        limit: Of its size, in bytes.
        timeout: Seconds for which the server may say nothing.

    Raises:
        RefusedError: It is not there for this job, or too large.
        AwayError: The server cannot be reached.
    """
    try:
        with requests.get(uri, stream=True, timeout=timeout, headers=AS_IT_IS) as answer:
            receive(answer.raw, target, limit)
    except RequestException as error:
        raise problem_of(error, timeout) from error


def problem_of(error: BaseException, timeout: float) -> AwayError | RefusedError:
    """Return what it means that there is no answer."""
    if isinstance(error, Timeout):
        return AwayError(f"the server says nothing for {timeout:.0f} s")
    words = last_of(error, _LONGEST_CAUSE)
    if isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return RefusedError(f"the server's certificate is not one to trust ({words})")
    if isinstance(error, NoConnectionError):
        return AwayError(f"the server cannot be reached ({words})")
    return RefusedError(f"the address is of no use ({words})")
