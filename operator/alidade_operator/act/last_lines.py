"""The ends of logs that tell why a job failed: read once, before the job ends."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from alidade_operator.decide.actions import ReadLastLines
from alidade_operator.index.cache import Wake, WorkKey
from alidade_operator.kube.gateway import ApiError, Gateway, UnavailableError
from alidade_operator.work.workqueue import WorkQueue

READERS = 32
WAIT_SECONDS = 10.0
"""How long a job's end waits for its log: a node that is gone tells nothing, ever, and readers may
all be busy with such a one."""
ASK_AGAIN_SECONDS = 1.0
# As much as a traceback through a deep library takes, and then some.
TAIL_LINES = 1000
MAX_BYTES = 64 * 1024


class _Wanted(NamedTuple):
    uid: str
    key: WorkKey
    action: ReadLastLines

    @property
    def name(self) -> tuple[str, str]:
        return (self.action.pod, self.action.container)


class LastLines:
    """Reads the ends of logs, each once.

    Args:
        gateway: Where logs are read.
        wake: Called with the key of a job whose log was read, or could not be.
    """

    def __init__(self, gateway: Gateway, wake: Wake) -> None:
        self._gateway = gateway
        self._wake = wake
        self._queue: WorkQueue[_Wanted] = WorkQueue(whose=lambda wanted: wanted.key.namespace)
        self._until: defaultdict[str, dict[tuple[str, str], float]] = defaultdict(dict)
        self._said: defaultdict[str, dict[tuple[str, str], str | None]] = defaultdict(dict)

    def said(self, uid: str) -> Mapping[tuple[str, str], str | None]:
        """Return what was read for a job, by pod and container; None where nothing could be."""
        return dict(self._said.get(uid, {}))

    def request(self, key: WorkKey, uid: str, action: ReadLastLines) -> None:
        """Ask for the end of a log, once."""
        wanted = _Wanted(uid, key, action)
        if wanted.name not in self._until[uid]:
            loop = asyncio.get_running_loop()
            self._until[uid][wanted.name] = loop.time() + WAIT_SECONDS
            loop.call_later(WAIT_SECONDS, self._settle, wanted, None)
            self._queue.add(wanted)

    def forget(self, uid: str) -> None:
        """Forget what was read for a job that has ended."""
        self._until.pop(uid, None)
        self._said.pop(uid, None)

    async def run(self) -> None:
        """Read until cancelled."""
        await self._queue.serve(self._work, READERS)

    async def _work(self, wanted: _Wanted) -> None:
        until = self._until.get(wanted.uid, {}).get(wanted.name, 0.0)
        text: str | None = None
        try:
            async with asyncio.timeout_at(until):
                text = await self._read(wanted.key.namespace, wanted.action)
        except (ApiError, TimeoutError):
            # The termination message has to do.
            pass
        self._settle(wanted, text)

    def _settle(self, wanted: _Wanted, text: str | None) -> None:
        """Take note of what was read, unless it is known, or not to be known any more."""
        wants = wanted.name in self._until.get(wanted.uid, {})
        if wants and wanted.name not in self._said[wanted.uid]:
            self._said[wanted.uid][wanted.name] = text
            self._wake(wanted.key)

    async def _read(self, namespace: str, action: ReadLastLines) -> str:
        while True:
            try:
                found = await self._gateway.read_log(
                    namespace, action.pod, action.container, tail_lines=TAIL_LINES
                )
            except UnavailableError:
                await asyncio.sleep(ASK_AGAIN_SECONDS)
            else:
                return found[-MAX_BYTES:].decode(errors="replace")
