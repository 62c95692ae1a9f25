"""Bringing the logs of pods into safety: read while there is something to read, then archived.

Reading must not wait for MLflow, as pods do not; what was read waits for MLflow on disk.
"""

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import structlog

from alidade.domain.actions import ArchiveLog
from alidade.domain.pod_logs import FOLDER
from alidade.domain.snapshot import LogView, TrackingView
from alidade.kube.gateway import ApiError, Gateway, NotFoundError, UnavailableError
from alidade.runtime.cache import Wake, WorkKey
from alidade.runtime.tracker import Tracker
from alidade.runtime.workqueue import WorkQueue
from alidade.tracking.tracking import Tracking, TrackingError

# Each follows one log at a time, of a pod that is being stopped for as long as that takes.
READERS = 32
LAST_RETRY_SECONDS = 30.0

LogKey = tuple[str, str]
"""Names of a pod and of a container of it."""
log = structlog.get_logger(__name__)


class _Wanted(NamedTuple):
    uid: str
    key: WorkKey
    action: ArchiveLog

    @property
    def name(self) -> LogKey:
        return (self.action.pod, self.action.container)


class LogArchive:
    """Reads logs and hands them to the tracker, each once.

    Args:
        gateway: Where logs are read.
        tracking: Where they go.
        tracker: What waits for MLflow.
        wake: Called with the key of a job when something became of a log of it.
        tail_lines: How much of a log is kept; nothing where it is 0.
    """

    def __init__(
        self, gateway: Gateway, tracking: Tracking, tracker: Tracker, wake: Wake, tail_lines: int
    ) -> None:
        self._gateway = gateway
        self._tracking = tracking
        self._tracker = tracker
        self._wake = wake
        self._tail_lines = tail_lines
        self._queue: WorkQueue[_Wanted] = WorkQueue(last_retry=LAST_RETRY_SECONDS)
        self._views: defaultdict[str, dict[LogKey, LogView]] = defaultdict(dict)
        self._folder = Path(tempfile.gettempdir())

    @property
    def keeps(self) -> bool:
        """Whether logs are archived at all."""
        return self._tail_lines > 0

    def views(self, uid: str) -> Mapping[LogKey, LogView]:
        """Return what has become of the logs of a job."""
        return {
            name: self._with_upload(uid, name, view)
            for name, view in self._views.get(uid, {}).items()
        }

    def request(self, key: WorkKey, uid: str, action: ArchiveLog) -> None:
        """Ask for a log, once."""
        wanted = _Wanted(uid, key, action)
        if wanted.name not in self._views[uid]:
            self._views[uid][wanted.name] = LogView()
            self._queue.add(wanted)

    def forget(self, uid: str) -> None:
        """Forget a job that is gone, and whose logs are where they will stay."""
        for name in self._views.pop(uid, {}):
            self._tracker.forget(_upload(uid, name))

    async def run(self) -> None:
        """Read logs until cancelled."""
        with tempfile.TemporaryDirectory(prefix="alidade-logs-") as folder:
            self._folder = Path(folder)
            await self._queue.serve(self._read, READERS)

    def _with_upload(self, uid: str, name: LogKey, view: LogView) -> LogView:
        upload = self._tracker.view(_upload(uid, name))
        return LogView(view.done or upload.settled, view.trouble or upload.trouble)

    async def _read(self, wanted: _Wanted) -> None:
        namespace, action = wanted.key.namespace, wanted.action
        try:
            text = await self._gateway.read_log(
                namespace, action.pod, action.container, tail_lines=self._tail_lines
            )
        except UnavailableError as error:
            self._note(wanted, LogView(trouble=f"cannot be read: {error}"))
            self._queue.retry(wanted)
            return
        except NotFoundError:
            self._note(wanted, LogView(done=True, trouble="it was gone before its log was read"))
            return
        except ApiError as error:
            if not action.last_words:
                self._note(wanted, LogView(done=True, trouble=str(error)))
                return
            text = b""
        self._queue.forget(wanted)
        self._note(wanted, LogView())
        self._hand_over(wanted, text or action.last_words.encode())

    def _note(self, wanted: _Wanted, view: LogView) -> None:
        known = self._views[wanted.uid].get(wanted.name)
        if known != view:
            self._views[wanted.uid][wanted.name] = view
            if view.trouble:
                log.warning("log.unreadable", pod=wanted.action.pod, trouble=view.trouble)
            self._wake(wanted.key)

    def _hand_over(self, wanted: _Wanted, text: bytes) -> None:
        run_id, (pod, container) = wanted.action.run_id, wanted.name
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        file = folder / f"{container}.log"
        file.write_bytes(text)

        async def upload() -> TrackingView:
            trouble: str | None = None
            try:
                await self._tracking.log_artifact(run_id, file, f"{FOLDER}/{pod}")
            except TrackingError as error:
                if error.unreachable:
                    raise
                trouble = f"MLflow did not take it: {error}"
            shutil.rmtree(folder, ignore_errors=True)
            return TrackingView(settled=True, trouble=trouble)

        self._tracker.request(wanted.key, _upload(wanted.uid, wanted.name), upload)


def _upload(uid: str, name: LogKey) -> str:
    return "/".join((uid, *name))
