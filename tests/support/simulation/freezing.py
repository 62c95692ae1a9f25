"""Processes that are stopped for a time, as by the machine under them, and go on as if nothing was.

All that a process does runs in a context that names it; while it is frozen, what would run is kept.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from functools import partial
from typing import TypeVar, TypeVarTuple

from tests.support.virtual_time import VirtualTimeLoop

Ts = TypeVarTuple("Ts")
Handle = TypeVar("Handle", bound=asyncio.Handle)


class Process:
    """What can be frozen: all tasks that are made in its context, and those that they make."""

    def __init__(self) -> None:
        self.frozen = False
        self.context = copy_context()
        self.context.run(_PROCESS.set, self)
        self._kept: list[Callable[[], object]] = []

    def freeze(self) -> None:
        """Let nothing of it run."""
        self.frozen = True

    def thaw(self) -> None:
        """Go on: all that was due meanwhile is due now."""
        self.frozen = False
        kept, self._kept = self._kept, []
        for go_on in kept:
            go_on()

    def keep(self, go_on: Callable[[], object]) -> None:
        """Keep something for when it goes on."""
        self._kept.append(go_on)


_PROCESS: ContextVar[Process] = ContextVar("process")


class FreezingLoop(VirtualTimeLoop):
    """An event loop that several processes share, each of which can be frozen."""

    def call_soon(
        self,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        return self._call(super().call_soon, partial(callback, *args), context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self._call(partial(super().call_at, when), partial(callback, *args), context)

    def _call(
        self,
        schedule: Callable[..., Handle],
        callback: Callable[[], object],
        context: Context | None,
    ) -> Handle:
        # An empty one is false.
        context = copy_context() if context is None else context
        process = context.get(_PROCESS)
        if process is None:
            return schedule(callback, context=context)
        call = _Call(self, process, callback, context)
        call.handle = handle = schedule(call.run, context=context)
        return handle


class _Call:
    """Something that is to be run in the context of a process."""

    handle: asyncio.Handle

    def __init__(
        self,
        loop: FreezingLoop,
        process: Process,
        callback: Callable[[], object],
        context: Context,
    ) -> None:
        self._loop = loop
        self._process = process
        self._callback = callback
        self._context = context

    def run(self) -> None:
        if self.handle.cancelled():
            return
        if self._process.frozen:
            self._process.keep(self._go_on)
        else:
            self._callback()

    def _go_on(self) -> None:
        asyncio.BaseEventLoop.call_soon(self._loop, self.run, context=self._context)
