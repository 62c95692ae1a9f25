"""MLflow's stores of artifacts in a process of their own, which is there while it is needed."""

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from multiprocessing.managers import BaseManager
from typing import Final, Protocol, cast

from alidade_operator.tracking.tracking import TrackingError

IDLE_SECONDS: Final = 60.0


class _Stores(Protocol):
    """See alidade_operator.tracking.stores, which is imported in that process only."""

    def store(self, artifact_uri: str, file: str, folder: str) -> tuple[str, int | None] | None: ...

    def lacking(self, location: str) -> str | None: ...


class Child:
    """A process that has MLflow's package, for stores of artifacts; used from any thread.

    It is started when something is asked of it, and ends when nothing has been for a while: nobody
    needs it whose artifacts the tracking server takes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._manager: _Manager | None = None
        self._asking = 0
        self._end: threading.Timer | None = None
        self._lacking: dict[str, str | None] = {}

    def store(self, artifact_uri: str, file: str, folder: str) -> tuple[str, int | None] | None:
        """Store a file in a folder of a run's artifacts.

        Returns:
            Why it was not stored, and the HTTP status if there was one.

        Raises:
            TrackingError: The process has ended meanwhile, as it may if memory is short.
        """
        with self._stores() as stores:
            return stores.store(artifact_uri, file, folder)

    def lacking(self, location: str) -> str | None:
        """Say what this image lacks to store artifacts at a place, None where that is nothing.

        Raises:
            TrackingError: As above.
        """
        if location not in self._lacking:
            with self._stores() as stores:
                self._lacking[location] = stores.lacking(location)
        return self._lacking[location]

    @contextmanager
    def _stores(self) -> Iterator[_Stores]:
        with self._lock:
            self._asking += 1
            if self._end:
                self._end.cancel()
        try:
            yield self._begin().stores()
        except (EOFError, OSError) as error:
            with self._lock:
                self._manager = None
            told = f"the process that stores artifacts has ended: {type(error).__name__}"
            raise TrackingError(told, unreachable=True) from error
        finally:
            self._done()

    def _begin(self) -> "_Manager":
        with self._lock:
            if self._manager is None:
                manager = _Manager(ctx=multiprocessing.get_context("spawn"))
                manager.start(_end_with_the_parent)
                self._manager = manager
            return self._manager

    def _done(self) -> None:
        with self._lock:
            self._asking -= 1
            if not self._asking:
                self._end = threading.Timer(IDLE_SECONDS, self._end_if_idle)
                self._end.daemon = True
                self._end.start()

    def _end_if_idle(self) -> None:
        with self._lock:
            if self._manager is not None and not self._asking:
                self._manager.shutdown()
                self._manager = None


class _Manager(BaseManager):
    stores: Callable[[], _Stores]


def _make_stores() -> _Stores:
    module = import_module("alidade_operator.tracking.stores")
    return cast(_Stores, module.Stores())


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


_Manager.register("stores", _make_stores, exposed=("store", "lacking"))
