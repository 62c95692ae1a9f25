"""Answers of HTTP servers: taken down as they come, or told for what they are."""

from collections.abc import Iterable
from pathlib import Path

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from alidade_core.first_words import first_words
from alidade_core.retry_after import retry_after
from alidade_core.words import words_of
from alidade_worker.source.limits import MEBIBYTE
from alidade_worker.source.problems import AwayError, RefusedError

PIECE = 256 * 1024
AS_IT_IS = {"Accept-Encoding": "identity"}
"""Headers that ask for a file without compressing it once more."""

_READ_BYTES = 4096
_ERRORS = 400
_SERVER_ERRORS = 500
# Request Timeout, Too Early, Too Many Requests: who says so will answer later.
_LATER = frozenset({408, 425, 429})


def receive(answer: BaseHTTPResponse, target: Path, limit: int) -> None:
    """Write the body of an answer into a file, byte for byte.

    Raises:
        RefusedError: The answer is a refusal, or larger than the limit.
        AwayError: The server is busy or broken, or breaks off.
    """
    check(answer)
    try:
        # What is said to be compressed for the way, though nobody asked for that, is the file.
        save(answer.stream(PIECE, decode_content=False), target, limit)
    except HTTPError as error:
        raise AwayError(f"the server breaks off ({words_of(error)})") from error


def check(answer: BaseHTTPResponse) -> None:
    """Do nothing about an answer that is none of an error.

    Raises:
        RefusedError: It says that there will be no other answer.
        AwayError: There may be another one later.
    """
    if answer.status < _ERRORS:
        return
    problem = told(answer)
    if answer.status >= _SERVER_ERRORS or answer.status in _LATER:
        raise AwayError(problem, retry_after(answer.headers))
    raise RefusedError(problem)


def told(answer: BaseHTTPResponse) -> str:
    """Return what an error's answer says."""
    try:
        begin = answer.read(_READ_BYTES, decode_content=True)
    except HTTPError:
        begin = b""
    words = first_words(begin.decode(errors="replace"))
    more = f" ({words})" if words and words != answer.reason else ""
    return f"the server answers {answer.status} {answer.reason}{more}"


def save(pieces: Iterable[bytes], target: Path, limit: int) -> None:
    """Write a file that comes in pieces.

    Raises:
        RefusedError: It is larger than the limit, in bytes.
    """
    size = 0
    with target.open("wb") as file:
        for piece in pieces:
            size += len(piece)
            if size > limit:
                raise RefusedError(f"it is larger than {limit // MEBIBYTE:,} MiB")
            file.write(piece)
