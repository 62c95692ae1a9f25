"""Reasons are one vocabulary, documented, and nobody uses a word outside of it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from alidade_core.api.reason import Reason
from tests.support.sources import REPOSITORY

SOURCES = sorted(
    source
    for name in ("core", "operator")
    for source in (REPOSITORY / name).glob("alidade*/**/*.py")
)
# Where a reason stands among the arguments of what sets one.
TAKES_REASON = {
    "wait": 0,
    "queue": 0,
    "start": 0,
    "fail": 0,
    "end": 1,
    "condition": 2,
    "NotYet": 0,
    "Pending": 0,
    "Cause": 0,
    "Rejection": 0,
    "Undecided": 1,
}


def literal_reasons(source: str) -> Iterator[str]:
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        at = TAKES_REASON.get(name)
        if at is not None and len(call.args) > at:
            given = call.args[at]
            if isinstance(given, ast.Constant) and isinstance(given.value, str):
                yield given.value


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_one_word_with_a_sentence(reason: Reason) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z0-9]*", reason)
    assert reason.meaning.endswith(".")


def test_each_is_there_once() -> None:
    assert len({reason.value for reason in Reason}) == len(Reason.__members__)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_module_makes_up_a_reason_of_its_own(source: Path) -> None:
    assert list(literal_reasons(source.read_text())) == []


def test_a_reason_made_up_would_be_found() -> None:
    assert list(literal_reasons("draft.wait('MadeUp', 'why')")) == ["MadeUp"]
