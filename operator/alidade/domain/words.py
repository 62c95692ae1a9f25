"""Small helpers for the sentences that users read."""

from collections.abc import Iterable

# Longer ones are cut: a status is read in a terminal.
MAX_MESSAGE = 1024


def quoted_list(names: Iterable[str]) -> str:
    """Return the names in quotes with commas between."""
    return ", ".join(f"'{name}'" for name in names)


def shorten(text: str, limit: int = MAX_MESSAGE) -> str:
    """Return the text, with no more than `limit` characters of it: its end."""
    text = text.strip()
    return text if len(text) <= limit else f"...{text[-(limit - 3) :]}"
