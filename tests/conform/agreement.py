"""Whether two plays of a sequence agree, but for the exceptions."""

import re
from collections.abc import Iterator
from typing import Any, Final

from tests.conform.defaults import FILLED_IN
from tests.conform.play import Answer
from tests.conform.steps import Sequence, Step

_NUMBER = re.compile(r"\[\d+\]")
_OF_A_LIST = re.compile(r"^(\.items)?\[\](\.object)?")
_SHOWN = 300
_MISSING: Final = "(nothing)"


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
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            told = ours.get(key, _filled_in(step, f"{path}.{key}"))
            yield from _unlike(step, told, theirs.get(key, _MISSING), f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from _unlike(step, one, other, f"{path}[{number}]")
    elif ours != theirs:
        yield f"{path}: simulated {str(ours)[:_SHOWN]!r}, real {str(theirs)[:_SHOWN]!r}"


def _filled_in(step: Step, path: str) -> Any:
    """Return what the API server fills in there, by itself."""
    plain = _OF_A_LIST.sub("", _NUMBER.sub("[]", path)).removeprefix(".")
    return FILLED_IN.get(step.kind, {}).get(plain, _MISSING)
