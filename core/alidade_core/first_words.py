"""The first words of an answer that is not the server's own: a proxy's page, a text."""

import json
import re
from html.parser import HTMLParser

MAX_WORDS = 200
_UNREAD = ("script", "style", "title")


class _Text(HTMLParser):
    """The text of a page that a person would see."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNREAD:
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._within:
            self._within.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.words.append(data)


def first_words(body: str) -> str:
    """Return the first words of an answer on one line: a JSON message, a page's text, or as is."""
    text = _message(body)
    if text is None:
        text = _page(body) if re.match(r"\s*<", body) else body
    text = " ".join(text.split())
    return text if len(text) <= MAX_WORDS else f"{text[:MAX_WORDS]}..."


def _message(body: str) -> str | None:
    try:
        message = json.loads(body)["message"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return message if isinstance(message, str) else None


def _page(body: str) -> str:
    page = _Text()
    page.feed(body)
    return " ".join(page.words)
