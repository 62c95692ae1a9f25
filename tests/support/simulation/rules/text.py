"""Text on its way through JSON into Go: what is no character becomes U+FFFD."""

from typing import Any


def received(value: Any) -> Any:
    """Return a JSON value as a server in Go has it that was sent it by a client in Python."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [received(item) for item in value]
    if isinstance(value, dict):
        return {received(key): received(item) for key, item in value.items()}
    return value
