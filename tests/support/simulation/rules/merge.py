"""JSON merge patches (RFC 7386)."""

from typing import Any


def merged(base: Any, patch: Any) -> Any:
    """Return what a patch makes of a value."""
    if not isinstance(patch, dict):
        return patch
    kept = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = merged(kept.get(key), value)
    return kept
