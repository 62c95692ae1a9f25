"""An event loop in a thread of its own, so that what is asynchronous can be called plainly.

In a notebook a loop runs already, in which nothing can be waited for from a plain function.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, Final, TypeVar

T = TypeVar("T")

_CLOSING_SECONDS: Final = 1


class Loop:
    """The loop; its thread ends with the process, or when it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="alidade-client", daemon=True
        )
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what the work returns; Ctrl-C cancels it."""
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    def iterate(self, source: AsyncIterator[T]) -> Iterator[T]:
        """Yield what the source yields."""
        last = object()

        async def next_one() -> T | object:
            return await anext(source, last)

        async def close() -> None:
            closing = getattr(source, "aclose", None)
            if closing is not None:
                await closing()

        try:
            while (found := self.run(next_one())) is not last:
                yield found  # type: ignore[misc]  # anext's default is told from what it yields
        finally:
            self.run(close())

    def close(self) -> None:
        """End the thread, once what was begun and left is closed."""
        self.run(_finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _finish() -> None:
    """Wait for what is being closed in the running loop, and end what is not."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        _, endless = await asyncio.wait(left, timeout=_CLOSING_SECONDS)
        for task in endless:
            task.cancel()
        await asyncio.gather(*endless, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()
