"""How far the API server's store has come, as far as is known: lists from before tell nothing.

Lists are asked for as of now, and still one may be answered from a cache that has not kept up; it
would make what is there seem gone, and bring back what is gone. A store that was restored from a
backup looks the same, but not only for a moment.
"""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

import structlog

from alidade_operator.kube.gateway import Body, Kind, UnavailableError

# No cache of an API server is taken to be behind for longer.
RESTORED_SECONDS = 10.0

Where = tuple[Kind, str | None]
"""What is listed: a kind, in one namespace or everywhere."""

log = structlog.get_logger(__name__)


class Asked(NamedTuple):
    """What is known when a list is asked for.

    Attributes:
        latest: The latest version seen of its kind.
        at: The time, by the event loop's clock.
    """

    latest: int
    at: float


class Horizon:
    """The latest version seen of each kind (KEP-5504: versions of a kind can be compared)."""

    def __init__(self) -> None:
        self._latest: dict[Kind, int] = {}
        self._behind_since: dict[Where, float] = {}
        self._restores = 0
        self._noticed: dict[Where, int] = {}

    def note(self, kind: Kind, body: Body) -> None:
        """Take note of an object that was read, or of its deletion."""
        version = body["metadata"].get("resourceVersion")
        if isinstance(version, str) and version.isdecimal():
            self._latest[kind] = max(int(version), self.latest(kind))

    def latest(self, kind: Kind) -> int:
        """Return the latest version seen of a kind, 0 where none was."""
        return self._latest.get(kind, 0)

    def ask(self, kind: Kind) -> Asked:
        """Return what a list of a kind is held against that is asked for now."""
        return Asked(self.latest(kind), asyncio.get_running_loop().time())

    def check(self, where: Where, version: str, asked: Asked) -> bool:
        """See that a list is not older than what was known before it, or that the store is.

        Args:
            where: What is listed.
            version: The version of the list.
            asked: What `ask` returned before the list was asked for.

        Returns:
            Whether the store has gone back since this was last listed.

        Raises:
            UnavailableError: The list is older, so far.
        """
        kind, _ = where
        if not version.isdecimal():
            return False
        listed = int(version)
        behind = listed < asked.latest
        if behind and not self._has_gone_back(where) and not self._stays_behind(where, asked):
            raise UnavailableError(
                f"a list of {kind} is of version {listed}, which is before {asked.latest}, of "
                "which something is known already; it is asked for again"
            )
        self._behind_since.pop(where, None)
        if behind and not self._has_gone_back(where):
            self._restores += 1
            log.warning("cluster.restored", kind=str(kind), version=listed, known=asked.latest)
        if self._has_gone_back(where):
            self._latest[kind] = listed
            return True
        self._latest[kind] = max(listed, self.latest(kind))
        return False

    def take_in(self, where: Where) -> None:
        """Take note that a list was taken in wholly."""
        self._noticed[where] = self._restores

    def mixed(self, everything: Iterable[Where]) -> bool:
        """Whether of some of it is known what was before the store went back, and not yet since."""
        return any(self._has_gone_back(where) for where in everything)

    def _has_gone_back(self, where: Where) -> bool:
        return self._noticed.get(where, 0) < self._restores

    def _stays_behind(self, where: Where, asked: Asked) -> bool:
        # What was asked for before then, and comes late, is as old as that.
        since = self._behind_since.setdefault(where, asyncio.get_running_loop().time())
        return asked.at - since >= RESTORED_SECONDS
