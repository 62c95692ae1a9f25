"""Small helpers for the sentences that users read."""

from collections.abc import Iterable

# Longer ones are cut: a status is read in a terminal.
MAX_MESSAGE = 1024


def quoted_list(names: Iterable[str]) -> str:
    """Return the names in quotes with commas between."""
    return ", ".join(f"'{name}'" for name in names)


def clean(text: str) -> str:
    """Return the text with U+FFFD for what no store takes: halves of surrogate pairs, and NUL.

    Everything else that Unicode has is kept: controls, noncharacters, emoji.
    """
    if not text.isascii():
        # A pair of halves, each escaped by itself, becomes the character that it stands for.
        units = text.encode("utf-16-le", "surrogatepass")
        text = units.decode("utf-16-le", "replace")
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def clip(text: str, limit: int) -> str:
    """Return the text, with no more than `limit` bytes of it in UTF-8: its beginning."""
    return clean(text).encode()[:limit].decode(errors="ignore")


def shorten(text: str, limit: int = MAX_MESSAGE) -> str:
    """Return the text, with no more than `limit` characters of it: its end."""
    text = text.strip()
    return text if len(text) <= limit else f"...{text[-(limit - 3) :]}"


def beginning(text: str, limit: int = 4 * MAX_MESSAGE) -> str:
    """Return the text, with no more than `limit` characters of it: its beginning."""
    text = text.strip()
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def words_of(error: BaseException) -> str:
    """Return an error's words, or its name where it has none, as a TimeoutError."""
    return str(error) or type(error).__name__


def last_of(error: BaseException, limit: int) -> str:
    """Return the system's words of why there is no connection.

    In the errors of HTTP libraries they are the last; before them are addresses in memory, which
    differ each time.
    """
    return shorten(str(error).rpartition(": ")[2].strip("()'\" "), limit)
