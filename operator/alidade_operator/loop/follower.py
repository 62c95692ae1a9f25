"""Following what happens to the objects of a kind, whatever the API server answers."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from alidade_operator.kube.gateway import (
    ApiError,
    Body,
    Change,
    ExpiredError,
    Kind,
    NotFoundError,
    UnavailableError,
    Watches,
)
from alidade_operator.ops.metrics import CRASHES

FIRST_PAUSE_SECONDS = 0.5
LAST_PAUSE_SECONDS = 5.0
# So often a watch is tried again from where it ended; then everything is listed anew.
TRIES = 3
SHORTEST_WATCH_SECONDS = 1.0
LAST_LIST_PAUSE_SECONDS = 60.0

Observe = Callable[[Kind, str | None, Body], None]
log = structlog.get_logger(__name__)


class Follower:
    """Watches one kind, in one namespace or everywhere, and lists it anew when it has to.

    Args:
        watches: What tells of changes.
        kind: What is watched.
        namespace: Where, None for everywhere.
        selector: A selector of labels.
        relist: Takes in a full list, and returns its version.
        newest: Returns of which version the API server's store is.
        observe: Called with each change.
        tell: Called with what is wrong, None where nothing is.
    """

    def __init__(
        self,
        watches: Watches,
        kind: Kind,
        namespace: str | None,
        *,
        selector: str | None,
        relist: Callable[[], Awaitable[str]],
        newest: Callable[[], Awaitable[str]],
        observe: Observe,
        tell: Callable[[str | None], None],
    ) -> None:
        self._watches = watches
        self._kind = kind
        self._namespace = namespace
        self._selector = selector
        self._relist = relist
        self._newest = newest
        self._observe = observe
        self._tell = tell
        self._version: str | None = None
        self._resumes = False
        self._failures = 0
        # Lists since a watch last came to anything.
        self._fruitless = 0

    async def list_until_done(self) -> None:
        """List everything, as often as it takes."""
        while self._version is None:
            await self._attempt(self._list)

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self.list_until_done()
            await self._attempt(self._watch)

    async def compare(self) -> float | None:
        """List everything, once, beside what is being watched.

        Returns:
            After how many seconds to try again, None where it is done.
        """
        try:
            await self._relist()
        except ApiError as error:
            log.warning("compare.failed", kind=str(self._kind), error=str(error), code=error.code)
            return max(LAST_PAUSE_SECONDS, error.retry_after or 0.0)
        return None

    async def _list(self) -> None:
        if self._fruitless:
            # Lists cost the API server far more than watches.
            pause = FIRST_PAUSE_SECONDS * 2.0 ** min(self._fruitless, 10)
            await asyncio.sleep(min(LAST_LIST_PAUSE_SECONDS, pause))
        self._version = await self._relist()
        self._resumes = False
        self._fruitless += 1

    async def _watch(self) -> None:
        version = self._version or ""
        if self._resumes:
            # An API server that was away may have another store when it is back.
            self._version = None
            await self._see_that_the_store_has_come_so_far(version)
            self._version = version
        self._resumes = True
        loop = asyncio.get_running_loop()
        started = loop.time()
        async for change in self._watches.watch(
            self._kind, self._namespace, self._selector, version
        ):
            self._failures = self._fruitless = 0
            self._tell(None)
            if change.type != "BOOKMARK":
                self._observe(self._kind, change.type, change.body)
            self._version = _version(change) or self._version
        if loop.time() - started < SHORTEST_WATCH_SECONDS:
            raise UnavailableError("API server: a watch ends as soon as it has begun")
        self._fruitless = 0

    async def _see_that_the_store_has_come_so_far(self, version: str) -> None:
        """See that it was not restored from a backup while nothing was watched.

        A watch that begins after what there is tells nothing, without a word, until as much has
        happened again.

        Raises:
            ExpiredError: It has not: everything is to be listed.
        """
        newest = await self._newest()
        if newest.isdecimal() and version.isdecimal() and int(newest) < int(version):
            raise ExpiredError(f"the store is of version {newest}, and {version} is yet to come")

    async def _attempt(self, step: Callable[[], Awaitable[None]]) -> None:
        """Take a step; if it fails say so, and pause before the next one."""
        try:
            await step()
        except ExpiredError:
            # An object that cannot be read off a watch, again and again, must not delay the others.
            self._version = None
            self._fruitless = min(self._fruitless, 1)
            return
        except ApiError as error:
            missing = isinstance(error, NotFoundError)
            what = f"there is no kind {self._kind} on this cluster (yet)" if missing else str(error)
            self._fail(f"{self._kind}: {what}")
            if missing or self._failures >= TRIES:
                self._version = None
            log.warning("watch.failed", kind=str(self._kind), error=str(error), code=error.code)
            await self._pause(error.retry_after)
        except Exception as error:
            CRASHES.labels("watch").inc()
            log.exception("watch.crashed", kind=str(self._kind))
            self._fail(f"{self._kind}: {type(error).__name__}: {error}")
            self._version = None
            await self._pause(None)
        else:
            self._failures = 0
            self._tell(None)

    def _fail(self, what: str) -> None:
        self._failures += 1
        # That a watch ends before its time is nothing that lasts.
        if self._version is None or self._failures >= TRIES:
            self._tell(what)

    async def _pause(self, at_least: float | None) -> None:
        pause = min(LAST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures - 1, 10))
        await asyncio.sleep(max(pause, at_least or 0.0))


def _version(change: Change) -> str | None:
    metadata = change.body.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    return version if isinstance(version, str) else None
