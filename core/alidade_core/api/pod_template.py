"""The schema of a Job's podTemplate: what a rule has to see of it, and nothing more.

Rules do not see fields that a schema does not name. What it does not name is kept, so that the API
server can say what is wrong with it when the pod's batch/v1 Job is made.
"""

from typing import Any

from alidade_core.api.base import GROUP, Rule, rules

_UNKNOWN = {"x-kubernetes-preserve-unknown-fields": True}
# The group and all below it; in keys of annotations case makes no difference.
_OURS = rf"(?i)^([^/]*\.)?{GROUP.replace('.', '[.]')}/"


def _map(what: str, longest: int) -> dict[str, Any]:
    return {
        "type": "object",
        "maxProperties": 128,
        "additionalProperties": {"type": "string", "maxLength": longest},
        **rules(
            Rule(
                f"self.all(key, !key.matches(r'{_OURS}'))",
                f"{what} of {GROUP} are not for users to set: they say which job a pod belongs "
                "to, and what it is told",
                new_only=True,
            )
        ),
    }


POD_TEMPLATE: dict[str, Any] = {
    **_UNKNOWN,
    "properties": {
        "metadata": {
            "type": "object",
            **_UNKNOWN,
            "properties": {
                "labels": _map("labels", 63),
                "annotations": _map("annotations", 256 * 1024),
            },
        },
        "spec": {"type": "object", **_UNKNOWN},
    },
}
