import threading
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import pytest

from alidade_operator.tracking.batching import Together


class Server:
    """Answers each request when it is let, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, frozenset[int]]] = []
        self.arrived = threading.Semaphore(0)
        self.may_answer = threading.Semaphore(0)

    def ask(self, group: str, wanted: Collection[int]) -> dict[int, int]:
        self.asked.append((group, frozenset(wanted)))
        self.arrived.release()
        self.may_answer.acquire()
        if 13 in wanted:
            raise ValueError("not that")
        return {number: number * 10 for number in wanted}


def test_what_is_wanted_while_a_request_is_under_way_is_in_the_next() -> None:
    server = Server()
    together = Together(server.ask)
    joined = threading.Barrier(4)

    def get(number: int) -> int:
        joined.wait()
        return together.get("g", number)

    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(together.get, "g", 0)
        server.arrived.acquire()
        later = [threads.submit(get, number) for number in (1, 2, 2)]
        joined.wait()
        # Another group waits for nothing of this one.
        elsewhere = threads.submit(together.get, "h", 7)
        server.arrived.acquire()
        again = threads.submit(together.get, "g", 0)
        server.may_answer.release(9)
        assert (first.result(), elsewhere.result(), again.result()) == (0, 70, 0)
        assert [answer.result() for answer in later] == [10, 20, 20]
    assert server.asked[:2] == [("g", frozenset({0})), ("h", frozenset({7}))]
    assert sum(0 in wanted for _, wanted in server.asked) == 2, "an answer is not kept"
    assert len(server.asked) < 6


def test_a_request_that_fails_fails_for_all_that_are_in_it_and_for_no_other() -> None:
    server = Server()
    server.may_answer.release(9)
    together = Together(server.ask)
    with pytest.raises(ValueError, match="not that"):
        together.get("g", 13)
    assert together.get("g", 1) == 10
