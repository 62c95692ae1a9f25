"""Selectors of labels and of fields, of the forms that the operator uses."""

from collections.abc import Callable

from alidade_operator.kube.gateway import Body
from tests.support.simulation.rules.metadata import is_label_value
from tests.support.simulation.rules.refusals import bad_request


def chosen(labels: str, fields: str) -> Callable[[Body], bool]:
    """Return what says whether an object is chosen.

    Args:
        labels: `key`, or `key=value`, several with commas between.
        fields: `path=value`, several with commas between.

    Raises:
        InvalidError: No label has such a value.
    """
    wanted = [part.partition("=") for part in labels.split(",") if part]
    paths = [part.partition("=") for part in fields.split(",") if part]
    for _, _, value in wanted:
        if not is_label_value(value):
            raise bad_request(f"unable to parse requirement: Invalid value: {value!r}")

    def check(body: Body) -> bool:
        has = body["metadata"].get("labels") or {}
        by_labels = all(
            key in has and (not equals or has[key] == value) for key, equals, value in wanted
        )
        return by_labels and all(_at(body, path) == value for path, _, value in paths)

    return check


def _at(body: Body, path: str) -> str:
    found: object = body
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return str(found or "")
