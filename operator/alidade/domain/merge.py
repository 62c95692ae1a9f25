"""Merging a user's pod template into the generated one, as a strategic merge patch does.

Lists of named things are merged by their key, other lists are appended to, and of two values for
the same field the user's wins.
"""

from typing import Any

# Merge keys of core/v1, from the API's `patchMergeKey`.
_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "resourceClaims": "name",
    "topologySpreadConstraints": "topologyKey",
}
# Lists that only make sense as a whole.
_ATOMIC = frozenset({"command", "args", "searches", "nameservers"})


def merge(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """Return base with overlay on top; neither is changed."""
    merged = dict(base)
    for field, value in overlay.items():
        existing = merged.get(field)
        if isinstance(existing, dict) and isinstance(value, dict):
            merged[field] = merge(existing, value)
        elif isinstance(existing, list) and isinstance(value, list) and field not in _ATOMIC:
            merged[field] = _merge_lists(existing, value, _KEYS.get(field))
        else:
            merged[field] = value
    return merged


def _merge_lists(base: list[Any], overlay: list[Any], key: str | None) -> list[Any]:
    if key is None:
        return base + [item for item in overlay if item not in base]
    merged = {item[key]: item for item in base}
    for item in overlay:
        name = item[key]
        merged[name] = merge(merged[name], item) if name in merged else item
    return list(merged.values())
