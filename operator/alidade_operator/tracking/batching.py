"""Requests that are made at the same time, put into one."""

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass
class _Group(Generic[K, V]):
    turn: threading.Lock = field(default_factory=threading.Lock)
    waiting: dict[K, Future[V]] = field(default_factory=dict)
    members: int = 0


class Together(Generic[K, V]):
    """Asks for several things at once, for threads that want one each.

    Nothing waits for others to come: what is wanted while a request of its group is under way, is
    asked for by the next one. So an answer is never older than the question.

    Args:
        ask: Called with a group and what is wanted of it; returns the answers.
    """

    def __init__(self, ask: Callable[[str, Collection[K]], Mapping[K, V]]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._groups: dict[str, _Group[K, V]] = {}

    def get(self, group: str, wanted: K) -> V:
        """Return the answer; raises what `ask` raises, which all get who are in one request."""
        with self._lock:
            mine = self._groups.setdefault(group, _Group())
            mine.members += 1
            answer = mine.waiting.setdefault(wanted, Future())
        try:
            with mine.turn:
                if not answer.done():
                    self._ask_for_all(group, mine)
            return answer.result()
        finally:
            with self._lock:
                mine.members -= 1
                if not mine.members:
                    del self._groups[group]

    def _ask_for_all(self, group: str, mine: _Group[K, V]) -> None:
        with self._lock:
            waiting, mine.waiting = mine.waiting, {}
        try:
            answers = self._ask(group, tuple(waiting))
            for wanted, answer in waiting.items():
                answer.set_result(answers[wanted])
        except Exception as error:
            for answer in waiting.values():
                if not answer.done():
                    answer.set_exception(error)
