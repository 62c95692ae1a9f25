"""Reading what the API server answers, or whoever answers in its place."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from alidade_core.retry_after import MAX_SECONDS, retry_after
from alidade_core.words import clean
from alidade_operator.kube.gateway import (
    TOO_DEEP,
    ApiError,
    Body,
    ConflictError,
    ExpiredError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnavailableError,
)

CLIENT_ERROR = 400
_SERVER_ERROR = 500
_ERRORS: Final[dict[int, type[ApiError]]] = {
    400: InvalidError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: ExpiredError,
    422: InvalidError,
    429: UnavailableError,
}
# What a page of HTML, or an endless line, has to say is said in its first words.
_MAX_WORDS = 300

# What a kubelet says in the place of a log that is gone, in an answer by which all is well. A line
# of a log has an end.
_NO_LOG = re.compile(
    rb"(unable to retrieve container logs for|failed to try resolving symlinks in path|"
    rb"failed to open log file) [^\n]+"
)

# Python's parser ends where its stack does. No object of ours, nor of Kubernetes', goes this deep.
MAX_DEPTH = 200
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def decode(content: bytes) -> Any:
    """Read JSON, whatever depth it has: what is too deep is cut out, and its object says so.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        found = json.loads(content)
    except RecursionError:
        found = json.loads(_prune(content))
        _point_out(found)
    if _ESCAPED_SURROGATE.search(content):
        # Half of a pair cannot be passed on.
        found = json.loads(clean(json.dumps(found, ensure_ascii=False)))
    return found


def _prune(content: bytes) -> bytes:
    kept, depth, start = bytearray(), 0, 0
    for token in _TOKEN.finditer(content):
        if token[0] in (b"{", b"["):
            depth += 1
            if depth == MAX_DEPTH + 1:
                kept += content[start : token.start()]
                kept += json.dumps(TOO_DEEP).encode()
        elif token[0] in (b"}", b"]"):
            depth -= 1
            if depth == MAX_DEPTH:
                start = token.end()
    return bytes(kept) + content[start:]


def _point_out(found: Any) -> None:
    """Have the objects that something was cut out of say where: of a list, a change, or one."""
    if isinstance(found, dict):
        listed = found.get("items")
        parts = [found.get("object"), *(listed if isinstance(listed, list) else ())]
        for body in [part for part in parts if isinstance(part, dict)] or [found]:
            if (where := _where_too_deep(body)) is not None:
                body[TOO_DEEP] = where


def _where_too_deep(body: Body) -> str | None:
    ahead: list[tuple[tuple[str, ...], Any]] = [((), body)]
    while ahead:
        path, found = ahead.pop()
        if found == TOO_DEEP:
            return ".".join(path[:2])
        if isinstance(found, dict):
            ahead += [((*path, key), value) for key, value in found.items()]
        elif isinstance(found, list):
            ahead += [(path, value) for value in found]
    return None


def body_of(content: bytes) -> Body:
    """Read the object that was asked for.

    Raises:
        UnavailableError: It is something else; what became of the request is not known.
    """
    try:
        found = decode(content)
    except ValueError as error:
        raise UnavailableError(f"API server: its answer is no JSON ({error})") from error
    if not isinstance(found, dict):
        raise UnavailableError("API server: its answer is no object")
    return found


def error_of(code: int, reason: str | None, headers: Mapping[str, str], content: bytes) -> ApiError:
    """Make an error of a refusal, whatever its body is."""
    status = _status(content)
    told = status.get("message")
    message = told if isinstance(told, str) else _words(content)
    kind = UnavailableError if code >= _SERVER_ERROR else _ERRORS.get(code, ApiError)
    return kind(
        clean(message) or f"HTTP {code} {reason or ''}".strip(),
        status,
        code=code,
        retry_after=_pause(headers, status),
    )


def error_of_event(body: Any) -> ApiError:
    """Make an error of the Status by which a watch ends."""
    status = body if isinstance(body, dict) else {}
    code, message = status.get("code"), status.get("message")
    code = code if isinstance(code, int) else _SERVER_ERROR
    return error_of(code, None, {}, json.dumps({**status, "message": str(message)}).encode())


def _status(content: bytes) -> Mapping[str, Any]:
    try:
        found = decode(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def is_no_log(content: bytes | bytearray) -> bool:
    """Whether what was read in a log's place says that the log is gone."""
    return _NO_LOG.fullmatch(content) is not None


def _words(content: bytes) -> str:
    text = content.decode(errors="replace")
    if "<" in text:
        text = re.sub(
            r"<(style|script).*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE
        )
    return " ".join(text.split())[:_MAX_WORDS]


def _pause(headers: Mapping[str, str], status: Mapping[str, Any]) -> float | None:
    """Read for how long the server wants to be left alone: a Status may say so, too."""
    if "Retry-After" in headers:
        return retry_after(headers)
    details = status.get("details")
    told = details.get("retryAfterSeconds") if isinstance(details, dict) else None
    return float(min(max(told, 0), MAX_SECONDS)) if isinstance(told, int) else None
