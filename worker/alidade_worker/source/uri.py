"""Addresses: taken apart, and as they may be shown."""

from urllib.parse import SplitResult, urlsplit, urlunsplit

from alidade_worker.source.problems import RefusedError


def parts_of(uri: str) -> SplitResult:
    """Take an address apart.

    Raises:
        RefusedError: It is none.
    """
    try:
        return urlsplit(uri)
    except ValueError as error:
        raise RefusedError(f"the address is of no use ({error})") from error


def shown(uri: str) -> str:
    """Return an address without what may be a password: user and query."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
