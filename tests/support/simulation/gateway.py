"""The way from the operator to the API server and back."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from contextvars import Context, ContextVar
from enum import Enum
from typing import Final, TypeVar

from alidade_operator.index.horizon import RESTORED_SECONDS
from alidade_operator.kube.fence import Fence
from alidade_operator.kube.gateway import (
    BATCH_JOBS,
    EVENTS,
    PODS,
    ApiError,
    Body,
    Change,
    Kind,
    Page,
    UnavailableError,
)
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.chance import Chance
from tests.support.simulation.pods import first_line_at
from tests.support.simulation.rules import refusals
from tests.support.simulation.rules.obstacles import obstacles
from tests.support.simulation.words import SAID
from tests.support.virtual_time import now

T = TypeVar("T")


class Late(Enum):
    """A request that is carried out when its client has given it up."""

    OF_THE_LIVING = "of one that knows of it"
    OF_THE_DEAD = "of one that is no more"


LATE: ContextVar[Late | None] = ContextVar("late", default=None)
"""What the request is that is being carried out, None where somebody waits for its answer."""


FORGOTTEN: Final = 0.1
"""The share of mishaps by which the server knows no more what a list goes on from."""
REFUSED: Final = 0.3
"""The share of mishaps by which somebody has something against a change."""


class UnreliableGateway:
    """A gateway on which requests and answers take their time, and get lost.

    A request whose client has given it up may be carried out all the same, later on. A list that
    was asked for before may be answered as it was then, for as long as a cache may be behind.

    Args:
        server: The API server.
        chance: What becomes of requests.
        done: Called after each request that changed something.
        left: Returns for how many seconds this client is sure to lead.

    Attributes:
        most_batch_jobs: How many batch/v1 Jobs a quota allows in a namespace, None where there is
            none.
        dead: Whether the client is no more.
    """

    dead = False
    most_batch_jobs: int | None = None

    def __init__(
        self,
        server: ApiServer,
        chance: Chance,
        done: Callable[[], None],
        left: Callable[[], float] = lambda: math.inf,
    ) -> None:
        self._server = server
        self._chance = chance
        self._done = done
        self._left = left
        self._fence = Fence(left)
        self._under_way: set[asyncio.Task[None]] = set()
        self._answers: dict[tuple[object, ...], tuple[int, tuple[Body, ...]]] = {}
        self._behind_since: dict[tuple[object, ...], float] = {}

    async def list_pages(
        self,
        kind: Kind,
        namespace: str | None,
        selector: str | None = None,
        *,
        fields: str | None = None,
        size: int | None = None,
    ) -> AsyncIterator[Page]:
        # Of whatever size: each page of it has one object.
        await self._there()
        asked = (kind, namespace, selector, fields)
        answer = (self._server.version, tuple(self._server.select(*asked)))
        version, bodies = self._answers.setdefault(asked, answer)
        behind_since = self._behind_since.setdefault(asked, now())
        if not self._chance.mishap() or now() - behind_since >= RESTORED_SECONDS:
            version, bodies = self._answers[asked] = answer
            del self._behind_since[asked]
        for number, body in enumerate(bodies):
            await self._chance.pause()
            if number and self._chance.mishap(FORGOTTEN):
                raise refusals.too_old("The provided continue parameter is too old")
            yield Page((body,), str(version))
        yield Page((), str(version))

    async def list_all(
        self,
        kind: Kind,
        namespace: str | None,
        selector: str | None = None,
        *,
        fields: str | None = None,
    ) -> AsyncIterator[Body]:
        async for page in self.list_pages(kind, namespace, selector, fields=fields):
            for body in page.items:
                yield body

    async def watch(
        self, kind: Kind, namespace: str | None, selector: str | None, version: str
    ) -> AsyncIterator[Change]:
        # What happens is told by the world, in its own time.
        await asyncio.Event().wait()
        yield Change("BOOKMARK", {})

    async def get(self, kind: Kind, namespace: str, name: str) -> Body:
        await self._there()
        return await self._back(self._server.read(kind, name, namespace))

    async def create(self, kind: Kind, namespace: str, body: Body) -> Body:
        def create() -> Body:
            if self._is_full(kind, namespace) or self._chance.mishap(0.3):
                raise refusals.over_quota(kind)
            return self._server.create(kind, body, namespace, strict=True)

        return await self._change(kind, create)

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Body) -> Body:
        return await self._change(kind, lambda: self._server.patch(kind, name, patch, namespace))

    async def patch_status(self, kind: Kind, namespace: str, name: str, patch: Body) -> Body:
        return await self._change(
            kind, lambda: self._server.patch(kind, name, patch, namespace, status=True)
        )

    async def delete(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        uid: str,
        *,
        foreground: bool = False,
        version: str | None = None,
    ) -> Body | None:
        return await self._change(
            kind,
            lambda: self._server.delete(
                kind, name, namespace, uid=uid, version=version, foreground=foreground
            ),
        )

    async def read_log(self, namespace: str, pod: str, container: str, *, tail_lines: int) -> bytes:
        await self._there()
        lines = self._server.read_log(pod, container, namespace).split(b"\n")
        # What ends with the end of a line has no line behind it.
        return b"\n".join(lines[-tail_lines - (lines[-1] == b"") :])

    async def log_begins(self, namespace: str, pod: str, container: str) -> str | None:
        await self._there()
        said = self._server.read_log(pod, container, namespace)
        return first_line_at(self._server.read(PODS, pod, namespace), container) if said else ""

    async def record_event(self, namespace: str, event: Body) -> None:
        def create() -> Body:
            return self._server.create(EVENTS, event, namespace)

        await self._change(EVENTS, create, counts=False)

    def _is_full(self, kind: Kind, namespace: str) -> bool:
        most = self.most_batch_jobs if kind == BATCH_JOBS else None
        return most is not None and len(self._server.all(kind, namespace)) >= most

    async def _change(self, kind: Kind, carry_out: Callable[[], T], *, counts: bool = True) -> T:
        try:
            async with asyncio.timeout(self._fence.seconds()):
                return await self._ask(kind, carry_out, counts=counts)
        except TimeoutError as error:
            raise UnavailableError("the request timed out") from error

    async def _ask(self, kind: Kind, carry_out: Callable[[], T], *, counts: bool) -> T:
        if self._chance.mishap(0.3):
            # What is on its way goes on whatever becomes of who has sent it.
            late = self._carry_out_late(carry_out)
            task = asyncio.create_task(late, context=Context())
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            await self._chance.pause()
            raise UnavailableError("the request timed out")
        await self._there()
        assert self._left() > 0, "it changes something when another may lead"
        if self._chance.mishap(REFUSED):
            raise self._chance.choice(obstacles(kind, self._chance.choice(SAID)))
        answer = carry_out()
        if counts:
            self._done()
        return await self._back(answer)

    async def _carry_out_late(self, carry_out: Callable[[], object]) -> None:
        before = self._server.restores
        await self._chance.long_pause()
        if self._server.restores > before:
            # It went down for that, with all that it had taken on.
            return
        gone = self.dead or self._left() <= 0
        LATE.set(Late.OF_THE_DEAD if gone else Late.OF_THE_LIVING)
        with suppress(ApiError):
            carry_out()

    async def _there(self) -> None:
        await self._chance.pause()
        if self._chance.mishap():
            raise UnavailableError("the request was lost")

    async def _back(self, answer: T) -> T:
        await self._chance.pause()
        if self._chance.mishap():
            raise UnavailableError("the answer was lost")
        return answer
