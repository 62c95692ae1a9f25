"""Bringing the logs of pods into safety: read while there is something to read, then archived.

Reading must not wait for MLflow, as pods do not; what was read waits for MLflow on disk.
"""

import asyncio
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import structlog

from alidade_operator.act.log_marks import LogKey, LogMarks
from alidade_operator.act.tracker import Lane, Tracker
from alidade_operator.decide.actions import ArchiveLog
from alidade_operator.decide.answers import LogView, TrackingView
from alidade_operator.decide.finish.pod_logs import FOLDER
from alidade_operator.index.cache import Wake, WorkKey
from alidade_operator.kube.client import MAX_LOG_BYTES
from alidade_operator.kube.gateway import ApiError, Gateway, NotFoundError, UnavailableError
from alidade_operator.objects.views import Container
from alidade_operator.tracking.tracking import Tracking, TrackingError
from alidade_operator.work.shares import Shares
from alidade_operator.work.workqueue import WorkQueue

# Each follows one log at a time, of a pod that is being stopped for as long as that takes.
READERS = 32
LAST_RETRY_SECONDS = 30.0
# What is beyond that stays with the kubelet as long as its pod does.
MAX_WAITING_BYTES = 256 * 2**20
# A log that is refused as too large is cut in half, but not into nothing.
LEAST_BYTES = 2048

_TOO_LARGE = 413
# These say that it is refused now, and by whom one cannot know: a login that has run out, a proxy
# that knows its way no more. Other refusals are of the log itself, and will be the same again.
_MENDED_BY_SOMEONE = frozenset({401, 403, 404, 405, 407, 409, _TOO_LARGE})
_CLIENT_ERRORS = range(400, 500)
_RUN_GONE = "RESOURCE_DOES_NOT_EXIST"

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
        self._queue: WorkQueue[_Wanted] = WorkQueue(
            last_retry=LAST_RETRY_SECONDS, whose=lambda wanted: wanted.key.namespace
        )
        self._views: defaultdict[str, dict[LogKey, LogView]] = defaultdict(dict)
        self._marks = LogMarks(gateway)
        self._room = Shares(MAX_WAITING_BYTES)
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

    def mark(self, key: WorkKey, uid: str, pod: str, container: Container) -> None:
        """Have it noted when a log begins, while its container runs: it may be rotated away."""
        name = (pod, container.name)
        if self.keeps and container.running_since and name not in self._views.get(uid, ()):
            self._marks.add(uid, key.namespace, name, container.running_since)

    def forget(self, uid: str) -> None:
        """Forget a job that is gone, and whose logs are where they will stay."""
        self._marks.forget(uid)
        for name in self._views.pop(uid, {}):
            self._tracker.forget(_upload(uid, name))

    async def run(self) -> None:
        """Read logs until cancelled."""
        with tempfile.TemporaryDirectory(prefix="alidade-logs-") as folder:
            self._folder = Path(folder)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._queue.serve(self._read, READERS))
                tasks.create_task(self._marks.run())

    def _with_upload(self, uid: str, name: LogKey, view: LogView) -> LogView:
        upload = self._tracker.view(_upload(uid, name))
        return replace(
            view, done=view.done or upload.settled, trouble=view.trouble or upload.trouble
        )

    async def _read(self, wanted: _Wanted) -> None:
        namespace, action = wanted.key.namespace, wanted.action
        if not self._room.may_take(namespace):
            waiting = self._room.taken(namespace) // 2**20
            self._wait(
                wanted,
                f"is not read yet, as {waiting} MiB of logs of namespace {namespace} wait for "
                "MLflow already",
            )
            return
        try:
            rotated = await self._marks.missing(wanted.uid, namespace, wanted.name)
            text = await self._gateway.read_log(
                namespace, action.pod, action.container, tail_lines=self._tail_lines
            )
        except UnavailableError as error:
            self._wait(wanted, f"cannot be read: {error}")
            return
        except ApiError as error:
            if not action.last_words:
                gone = isinstance(error, NotFoundError)
                trouble = "it was gone before its log was read" if gone else str(error)
                self._note(wanted, LogView(done=True, trouble=trouble))
                return
            rotated, text = None, b""
        if len(text) >= MAX_LOG_BYTES or text.count(b"\n") >= self._tail_lines:
            # As much as is kept of any.
            rotated = None
        try:
            file = self._keep(wanted, text or action.last_words.encode(errors="replace"))
        except OSError as error:
            self._wait(wanted, f"cannot be kept until MLflow takes it: {error.strerror}")
            return
        self._queue.forget(wanted)
        self._marks.settle(wanted.uid, wanted.name)
        self._note(wanted, LogView(missing=rotated))
        self._hand_over(wanted, file)

    def _wait(self, wanted: _Wanted, trouble: str) -> None:
        self._note(wanted, LogView(trouble=trouble))
        self._queue.retry(wanted)

    def _note(self, wanted: _Wanted, view: LogView) -> None:
        known = self._views[wanted.uid].get(wanted.name)
        if known != view:
            self._views[wanted.uid][wanted.name] = view
            if view.trouble:
                log.warning("log.unreadable", pod=wanted.action.pod, trouble=view.trouble)
            self._wake(wanted.key)

    def _keep(self, wanted: _Wanted, text: bytes) -> Path:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        file = folder / f"{wanted.action.container}.log"
        try:
            file.write_bytes(text)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._room.take(wanted.key.namespace, len(text))
        return file

    def _hand_over(self, wanted: _Wanted, file: Path) -> None:
        run_id, pod = wanted.action.run_id, wanted.action.pod
        size = file.stat().st_size

        async def upload() -> TrackingView:
            trouble: str | None = None
            try:
                await self._tracking.log_artifact(run_id, wanted.uid, file, f"{FOLDER}/{pod}")
            except TrackingError as error:
                trouble = self._why_given_up(wanted, file, error)
                if trouble is None:
                    raise
            if self._view(wanted).trouble:
                self._note(wanted, replace(self._view(wanted), trouble=None))
            self._room.give_back(wanted.key.namespace, size)
            shutil.rmtree(file.parent, ignore_errors=True)
            return TrackingView(settled=True, trouble=trouble)

        self._tracker.request(wanted.key, _upload(wanted.uid, wanted.name), upload, Lane.LOGS)

    def _why_given_up(self, wanted: _Wanted, file: Path, error: TrackingError) -> str | None:
        """Say why a log is given up; one that is not is tried again, cut if it is too large."""
        if not file.exists():
            return "it was lost on the operator's own disk, where it waited for MLflow"
        if _final(error):
            return f"MLflow did not take it: {error}"
        if error.status == _TOO_LARGE:
            self._shorten(wanted, file, error)
        return None

    def _shorten(self, wanted: _Wanted, file: Path, error: TrackingError) -> None:
        """Leave the later half of a log that is too large for the way to MLflow."""
        view = self._view(wanted)
        try:
            kept = _cut(file)
        except OSError as problem:
            trouble = f"cannot be cut to what MLflow takes, which {error}: {problem.strerror}"
            self._note(wanted, replace(view, trouble=trouble))
            return
        if kept is not None:
            missing = f"all but its last {kept} bytes, as MLflow {error}"
            self._views[wanted.uid][wanted.name] = replace(view, missing=missing)

    def _view(self, wanted: _Wanted) -> LogView:
        return self._views.get(wanted.uid, {}).get(wanted.name, LogView())


def _cut(file: Path) -> int | None:
    """Leave the later half of a file, from the beginning of a line on.

    Returns:
        How many bytes are left, None where it is so short that it was let be.

    Raises:
        OSError: The disk does not let it.
    """
    size = file.stat().st_size
    if size < LEAST_BYTES:
        return None
    with file.open("r+b") as content:
        content.seek(-(size // 2), os.SEEK_END)
        half = content.read()
        _, _, lines = half.partition(b"\n")
        kept = lines or half
        # In this order a disk that is full has room for it.
        content.seek(0)
        content.write(kept)
        content.truncate()
    return len(kept)


def _final(error: TrackingError) -> bool:
    if error.code == _RUN_GONE:
        return True
    refused = error.status in _CLIENT_ERRORS and not error.unreachable
    return refused and error.status not in _MENDED_BY_SOMEONE


def _upload(uid: str, name: LogKey) -> str:
    return "/".join((uid, *name))
