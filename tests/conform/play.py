"""Sending the steps of a sequence to one side, and taking down what it answers."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from alidade_operator.decide import refusal
from alidade_operator.kube.gateway import ApiError, Body, Kind
from tests.conform.ledger import Ledger
from tests.conform.sides import Side
from tests.conform.steps import Place, Sequence, Step

_NUMBER = re.compile(r"\[.*?\]")
OTHERS = ("put", "edit", "take")
"""What others than the operator do."""
UNNAMED = ("create", "put")


class Answer(NamedTuple):
    """What came of a step.

    Attributes:
        error: The class of the error, its code, its reason and the fields that it names, without
            the numbers of items; empty where all went well.
        found: What was answered, as far as it can be compared.
        words: What the server said, which differs in its wording and is not compared.
    """

    error: str
    found: Any = None
    words: str = ""


class Player:
    """Plays one sequence on one side.

    Args:
        side: The side.
        tag: What makes the names of the sequence its own.
        places: The namespaces.
    """

    def __init__(self, side: Side, tag: str, places: Mapping[Place, str]) -> None:
        self._side = side
        self._tag = tag
        self._places = places
        self._ledger = Ledger(tag, places["home"])

    async def play(self, sequence: Sequence) -> list[Answer]:
        """Return the answers to all steps."""
        return [await self._play(step) for step in sequence]

    async def _play(self, step: Step) -> Answer:
        try:
            answer = await self._send(step)
        except ApiError as error:
            return Answer(refused(error), words=str(error))
        return Answer("", answer)

    async def _send(self, step: Step) -> Any:
        given: dict[str, Any] = self._ledger.meant(step.given)
        namespace = self._places[step.namespace]
        name: str = self._ledger.meant(step.name)
        match step.verb:
            case "list_all":
                return await self._list(step.kind, namespace, **given)
            case "list_pages":
                return await self._pages(step.kind, namespace, **given)
            case "read_log":
                return await self._side.gateway.read_log(namespace, name, **given, tail_lines=10)
            case "log_begins":
                return await self._log_begins(namespace, name, **given)
            case "record_event":
                return await self._side.gateway.record_event(namespace, **given)
        request = getattr(
            self._side.others if step.verb in OTHERS else self._side.gateway, step.verb
        )
        named = () if step.verb in UNNAMED else (name,)
        return self._object(step.kind, await request(step.kind, namespace, *named, **given))

    async def _log_begins(self, namespace: str, name: str, container: str) -> str:
        # Where no kubelet is asked, what does not come in time is under way.
        while (begins := await self._side.gateway.log_begins(namespace, name, container)) is None:
            pass
        return begins

    async def _list(
        self, kind: Kind, namespace: str, *, everywhere: bool = False, **selectors: Any
    ) -> list[Body]:
        chosen = {key: _selector(value) for key, value in selectors.items()}
        where = None if everywhere else namespace
        found = [body async for body in self._side.gateway.list_all(kind, where, **chosen)]
        return self._own(kind, found)

    async def _pages(
        self, kind: Kind, namespace: str, *, everywhere: bool = False, **selectors: Any
    ) -> Any:
        chosen: dict[str, Any] = {key: _selector(v) for key, v in selectors.items()}
        where = None if everywhere else namespace
        pages = [page async for page in self._side.gateway.list_pages(kind, where, **chosen)]
        found = [body for page in pages for body in page.items]
        return {"versions": len({page.version for page in pages}), "items": self._own(kind, found)}

    def _own(self, kind: Kind, found: list[Body]) -> list[Body]:
        own = (body for body in found if body["metadata"]["name"].endswith(self._tag))
        return [self._ledger.note(kind, body) for body in own]

    def _object(self, kind: Kind, body: Body | None) -> Body | None:
        return None if body is None else self._ledger.note(kind, body)


def refused(error: ApiError) -> str:
    """Return what is compared of a refusal: all of its status but its words and its names."""
    found = sorted({_NUMBER.sub("", field) for field in refusal.fields(error.status)})
    told = (type(error).__name__, str(error.code), error.status.get("reason", ""), *found)
    return " ".join(told)


def _selector(pairs: list[list[str]] | None) -> str | None:
    return None if pairs is None else ",".join("=".join(pair) for pair in pairs)
