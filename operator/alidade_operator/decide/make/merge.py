"""Merging of JSON: strategic merge of templates, and merge patches (RFC 7386).

Merging a user's pod template into the generated one, as a strategic merge patch does.

Lists of named things are merged by their key, other lists are appended to, and of two values for
the same field the user's wins. What is no pod template is merged all the same: the API server says
what is wrong with it.
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
# A variable has one source and a volume one kind: of two forms mixed the API server takes none.
_WHOLE_ITEMS = frozenset({"env", "volumes"})


def merge(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """Return base with overlay on top; neither is changed."""
    merged = dict(base)
    for field, value in overlay.items():
        existing = merged.get(field)
        if isinstance(existing, dict) and isinstance(value, dict):
            merged[field] = merge(existing, value)
        elif isinstance(existing, list) and isinstance(value, list) and field not in _ATOMIC:
            merged[field] = _merge_lists(existing, value, field)
        else:
            merged[field] = value
    return merged


def difference(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Return the merge patch that makes the new one of the old (RFC 7386): null for what goes.

    Neither may have null as a value.
    """
    patch: dict[str, Any] = dict.fromkeys(old.keys() - new.keys())
    for field, value in new.items():
        existing = old.get(field)
        if isinstance(existing, dict) and isinstance(value, dict):
            if changed := difference(existing, value):
                patch[field] = changed
        elif field not in old or existing != value:
            patch[field] = value
    return patch


def _merge_lists(base: list[Any], overlay: list[Any], field: str) -> list[Any]:
    key = _KEYS.get(field)
    if key is None or not all(_has(item, key) for item in (*base, *overlay)):
        return base + [item for item in overlay if item not in base]
    merged = {item[key]: item for item in base}
    for item in overlay:
        existing = None if field in _WHOLE_ITEMS else merged.get(item[key])
        merged[item[key]] = merge(existing, item) if existing else item
    return list(merged.values())


def _has(item: Any, key: str) -> bool:
    return isinstance(item, dict) and isinstance(item.get(key), str | int)
