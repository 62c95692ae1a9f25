"""Patience with an API server that has answered before: it may be upgraded, or change places."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from alidade.errors import UnreachableError

T = TypeVar("T")

PATIENCE_SECONDS: Final = 300.0
_PAUSE_SECONDS: Final = 1.0


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Return what is answered, once it is.

    Raises:
        UnreachableError: There was no answer for five minutes.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except UnreachableError:
            if clock() > until:
                raise
        await asyncio.sleep(_PAUSE_SECONDS)
