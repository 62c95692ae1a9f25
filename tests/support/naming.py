"""Whether a message names a field: by its path, or by what comes to that."""

import json
import re
from typing import Any

from tests.support.odd_fields import Path

_INDEX = re.compile(r"(?<=\w)\[[^\]]*\]")
_ANY_PATH = re.compile(r"[\w-]+(\.[\w/-]+)+")
# A batch/v1 Job has a job's template otherwise, and its labels by a name of the API server's own.
_OF_BATCH_JOBS = (
    (re.compile(r"\bspec\.template\.(labels|annotations)\b"), r"spec.podTemplate.metadata.\1"),
    (re.compile(r"\bspec\.template\b"), "spec.podTemplate"),
    # A Pod, which has the template's spec for its own, is refused after its batch/v1 Job was made.
    (
        re.compile(r'(?<=^the API server refuses its pods: Pod ")([^"]*" is invalid: )'),
        r"\1spec.podTemplate.",
    ),
    (re.compile(r'\bpersistentvolumeclaim (?=")'), "claim "),
)
# What is shorter may be in any message.
_TELLING = 3
_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
}


def answer_names(body: str, path: Path, value: Any) -> bool:
    """Say whether the API server's refusal, a Status as JSON, names a field.

    Of what is wrong it has the field in causes; one that does not exist is in the message alone.
    """
    status = json.loads(body)
    causes = (status.get("details") or {}).get("causes") or ()
    said = [f"{cause.get('field', '')} : {cause.get('message', '')}" for cause in causes]
    return any(message_names(words, path, value) for words in said or [status.get("message", "")])


def message_names(message: str, path: Path, value: Any) -> bool:
    """Say whether a sentence names a field that has a value.

    It has the path of it or of something in it, without indices; or that of what it is in, and with
    it the next part of the path or the value. What is null is not there, so that what it is in is
    wrong. Of the spec's own fields the name alone will do.
    """
    for pattern, ours in _OF_BATCH_JOBS:
        message = pattern.sub(ours, message)
    message = _INDEX.sub("", message)
    parts = [part for part in path if isinstance(part, str)]
    if _has(message, parts):
        return True
    words = _ANY_PATH.sub("", message)
    return any(
        (end == 1 or _has(message, parts[:end])) and _hints(words, parts[end:], value)
        for end in range(1, len(parts))
    )


def _has(message: str, parts: list[str]) -> bool:
    """Say whether a path is in a message; it may have the kind of what is read before it."""
    path = re.escape(".".join(parts))
    return re.search(rf"(?<![\w.])([A-Z]\w*\.)?{path}(?![\w-])", message) is not None


def _hints(words: str, rest: list[str], value: Any) -> bool:
    def has(word: str) -> bool:
        return re.search(rf"\b{re.escape(word)}\b", words, re.IGNORECASE) is not None

    quotes = isinstance(value, str) and any(text in words for text in _quotations(value))
    if has(rest[0]) or (quotes and has(rest[-1].removesuffix("Name"))):
        return True
    return len(rest) == 1 and (quotes or value is None)


def _quotations(text: str) -> list[str]:
    """Return the ways in which a text may be in a message: as it is, or as Go quotes it."""
    escaped = "".join(c if c.isprintable() else _ESCAPES.get(c) or _escape(ord(c)) for c in text)
    return [f'"{escaped}"', f"'{text}'", *([text] if len(text) >= _TELLING else [])]


def _escape(point: int) -> str:
    return rf"\x{point:02x}" if point < 0x80 else rf"\u{point:04x}"
