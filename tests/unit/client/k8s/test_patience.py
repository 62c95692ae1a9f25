"""Patience with an API server that is away."""

import pytest

from alidade.errors import ForbiddenError, UnreachableError
from alidade.k8s import patience
from alidade.k8s.patience import patiently


@pytest.fixture(autouse=True)
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_PAUSE_SECONDS", 0.0)


async def test_what_comes_back_answers() -> None:
    answers: list[Exception | str] = [UnreachableError("away"), UnreachableError("away"), "here"]

    async def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert await patiently(ask) == "here"


async def test_what_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.0)

    async def ask() -> None:
        raise UnreachableError("away")

    with pytest.raises(UnreachableError):
        await patiently(ask)


async def test_what_is_refused_is_not_asked_again() -> None:
    asked: list[bool] = []

    async def ask() -> None:
        asked.append(True)
        raise ForbiddenError("no")

    with pytest.raises(ForbiddenError):
        await patiently(ask)
    assert len(asked) == 1
