"""Whether two plays of a sequence agree, but for the exceptions."""

from collections.abc import Iterator
from typing import Any

from alidade.kube.gateway import BATCH_JOBS, EVENTS, PODS, SERVICES
from tests.conform.play import Answer
from tests.conform.steps import Sequence, Step

_FILLED_IN = (BATCH_JOBS, PODS, SERVICES, EVENTS)
_SHOWN = 300


def first_difference(sequence: Sequence, simulated: list[Answer], real: list[Answer]) -> str | None:
    """Return where two plays of a sequence part, None where they agree."""
    for number, (step, ours, theirs) in enumerate(zip(sequence, simulated, real, strict=True)):
        differences = list(_differences(step, ours, theirs))
        if differences:
            found = "; ".join(differences[:3])
            return f"step {number}, {step.verb} {step.kind.plural}: {found}"
    return None


def _differences(step: Step, ours: Answer, theirs: Answer) -> Iterator[str]:
    if ours.error != theirs.error:
        yield f"simulated {_told(ours)}, real {_told(theirs)}"
    else:
        yield from _unlike(step, ours.found, theirs.found, "")


def _told(answer: Answer) -> str:
    return f"{answer.error} ({answer.words[:_SHOWN]})" if answer.error else "success"


def _unlike(step: Step, ours: Any, theirs: Any, path: str) -> Iterator[str]:
    if _is_empty(ours) and _is_empty(theirs):
        return
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            if key in ours or not _may_be_filled_in(step, path):
                yield from _unlike(step, ours.get(key), theirs.get(key), f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _unlike(step, one, other, f"{path}[{number}]")
    elif ours != theirs:
        yield f"{path}: simulated {str(ours)[:_SHOWN]!r}, real {str(theirs)[:_SHOWN]!r}"


def _is_empty(value: Any) -> bool:
    return value is None or value in ({}, [], "", 0)


def _may_be_filled_in(step: Step, path: str) -> bool:
    """Whether a field there is one that the API server gives a default."""
    in_metadata = path.lstrip(".[]0123456789").startswith("metadata")
    return step.kind in _FILLED_IN and not in_metadata
