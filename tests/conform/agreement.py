"""Whether two plays of a sequence agree, but for the exceptions."""

import re
from collections.abc import Iterator
from typing import Any, Final

from alidade_operator.kube.gateway import Kind
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
        yield from unlike(step.kind, ours.found, theirs.found)


def _told(answer: Answer) -> str:
    return f"{answer.error} ({answer.words[:_SHOWN]})" if answer.error else "success"


def unlike(kind: Kind, ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Say in what an object of a kind, or a list of them, differs from the real one.

    Args:
        kind: Their kind, or that of its objects.
        ours: What the simulation has, which may lack what a real API server fills in.
        theirs: What the real thing has.
        path: Where that is.
    """
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            told = ours.get(key, _filled_in(kind, f"{path}.{key}"))
            yield from unlike(kind, told, theirs.get(key, _MISSING), f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from unlike(kind, one, other, f"{path}[{number}]")
    elif ours != theirs:
        yield f"{path}: simulated {str(ours)[:_SHOWN]!r}, real {str(theirs)[:_SHOWN]!r}"


def _filled_in(kind: Kind, path: str) -> Any:
    """Return what the API server fills in there, by itself."""
    plain = _OF_A_LIST.sub("", _NUMBER.sub("[]", path)).removeprefix(".")
    return FILLED_IN.get(kind, {}).get(plain, _MISSING)
