"""What an archive or a commit holds, one thing at a time."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One thing as it is named there, before anything was checked.

    Its content is to be read before the next one is asked for.
    """

    name: str
    content: Iterable[bytes] | None = None
    """Pieces of a file's content; None for a folder."""
    executable: bool = False
    odd: str = ""
    """What else it is, such as "a symbolic link"; empty for files and folders."""


def folder(name: str) -> Entry:
    """Return the entry of a folder."""
    return Entry(name)


def odd(name: str, what: str) -> Entry:
    """Return the entry of something that is neither a file nor a folder."""
    return Entry(name, odd=what)
