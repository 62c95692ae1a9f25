import asyncio
import errno
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from alidade_operator.act.log_archive import LogArchive
from alidade_operator.act.tracker import Tracker
from alidade_operator.decide.actions import ArchiveLog
from alidade_operator.decide.answers import LogView
from alidade_operator.index.cache import WorkKey
from alidade_operator.kube.gateway import ApiError, InvalidError, NotFoundError, UnavailableError
from alidade_operator.objects.views import Container
from alidade_operator.tracking.tracking import TrackingError
from tests.support.builders import NOW
from tests.support.reconciling import CERTAIN, Gateway
from tests.support.simulation.api_server import ApiServer
from tests.support.simulation.mlflow import Mlflow
from tests.support.virtual_time import in_virtual_time

RUNNING = Container("worker", running_since=NOW)
KEY = WorkKey("job", "lab", "train")
LOG = ArchiveLog("r1", "p", "worker", last_words="")
AWAY = TrackingError("connection refused", unreachable=True)
REFUSED = TrackingError("answers 400: no such path", unreachable=False, status=400)
TOO_LARGE = TrackingError("answers 413: of the door", unreachable=False, status=413)
Answer = bytes | ApiError


class Logs(Gateway):
    """A gateway that answers so, one request after the other, the last answer for ever."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__(ApiServer(lambda *_: None))
        self.answers = list(answers)
        self.reads = 0
        self.begins = "2026-03-01T12:00:03.5Z"

    async def log_begins(self, namespace: str, pod: str, container: str) -> str:
        return self.begins

    async def read_log(self, namespace: str, pod: str, container: str, *, tail_lines: int) -> bytes:
        self.reads += 1
        await asyncio.sleep(1)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ApiError):
            raise answer
        return answer


class Artifacts(Mlflow):
    """An MLflow that takes files, after some failures."""

    def __init__(self, *failures: TrackingError) -> None:
        super().__init__(CERTAIN)
        self.failures = list(failures)
        self.files: dict[str, bytes] = {}

    async def log_artifact(self, run_id: str, uid: str, file: Path, folder: str) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.files[f"{run_id}/{folder}/{file.name}"] = _content(file)


def _content(file: Path) -> bytes:
    return file.read_bytes()


def _delete_all(folder: Path) -> None:
    (file,) = folder.glob("*/*/worker.log")
    file.unlink()


class Scene:
    """An archive at work, and the keys it woke."""

    def __init__(self, gateway: Logs, mlflow: Artifacts) -> None:
        self.gateway, self.mlflow = gateway, mlflow
        self.woken: list[WorkKey] = []
        self.tracker = Tracker(self.woken.append)
        self.archive = LogArchive(gateway, mlflow, self.tracker, self.woken.append, 100)

    async def ask(self, action: ArchiveLog = LOG) -> LogView:
        self.archive.request(KEY, "u", action)
        await asyncio.sleep(300)
        return self.archive.views("u")[action.pod, action.container]


@asynccontextmanager
async def working(
    *answers: Answer, failures: tuple[TrackingError, ...] = ()
) -> AsyncIterator[Scene]:
    scene = Scene(Logs(*answers), Artifacts(*failures))
    work = asyncio.gather(scene.archive.run(), scene.tracker.run())
    # The archive's folder is there before anything is asked of it.
    await asyncio.sleep(1)
    yield scene
    assert not work.done()
    work.cancel()


@in_virtual_time
async def test_a_log_becomes_an_artifact_and_wakes_its_job() -> None:
    async with working(b"said") as scene:
        assert await scene.ask() == LogView(done=True)
        assert scene.mlflow.files == {"r1/logs/p/worker.log": b"said"}
        assert KEY in scene.woken


@in_virtual_time
async def test_a_log_is_read_once_however_often_it_is_asked_for() -> None:
    async with working(b"said") as scene:
        for _ in range(3):
            await scene.ask()
        assert scene.gateway.reads == 1


@in_virtual_time
async def test_while_mlflow_is_away_a_log_that_was_read_is_kept() -> None:
    async with working(b"said", NotFoundError("gone"), failures=(AWAY,) * 4) as scene:
        assert await scene.ask() == LogView(done=True)
        assert scene.mlflow.files == {"r1/logs/p/worker.log": b"said"}
        assert scene.gateway.reads == 1


@in_virtual_time
async def test_what_mlflow_refuses_is_told_and_let_go() -> None:
    async with working(b"said", failures=(REFUSED,)) as scene:
        view = await scene.ask()
        assert (view.done, view.trouble) == (
            True,
            "MLflow did not take it: answers 400: no such path",
        )


@in_virtual_time
async def test_the_log_of_a_run_that_is_gone_is_told_and_let_go() -> None:
    gone = TrackingError("x", unreachable=False, status=404, code="RESOURCE_DOES_NOT_EXIST")
    async with working(b"said", failures=(gone,)) as scene:
        assert (await scene.ask()).done


@pytest.mark.parametrize("status", [401, 403, 404, 429, 502, None])
@in_virtual_time
async def test_what_someone_may_mend_is_tried_again(status: int | None) -> None:
    turned_away = TrackingError("answers: not now", unreachable=False, status=status)
    if status in (429, 502):
        turned_away.unreachable = True
    async with working(b"said", failures=(turned_away,) * 9) as scene:
        assert await scene.ask() == LogView(done=True)
        assert scene.mlflow.files == {"r1/logs/p/worker.log": b"said"}


@in_virtual_time
async def test_what_the_kubelet_has_rotated_away_is_told() -> None:
    async with working(b"the end\n") as scene:
        scene.archive.mark(KEY, "u", "p", RUNNING)
        await asyncio.sleep(1)
        scene.gateway.begins = "2026-03-01T12:09:00.1Z"
        told = (
            "what it wrote from 2026-03-01T12:00:03.5Z until 2026-03-01T12:09:00.1Z, which the "
            "kubelet has rotated away"
        )
        assert await scene.ask() == LogView(done=True, missing=told)


@pytest.mark.parametrize("text", [b"x\n" * 100, b"the end\n"], ids=["long enough", "not marked"])
@in_virtual_time
async def test_of_a_log_that_is_there_as_far_as_any_is_kept_nothing_is_missing(
    text: bytes,
) -> None:
    async with working(text) as scene:
        if len(text) > 100:
            scene.archive.mark(KEY, "u", "p", RUNNING)
        await asyncio.sleep(1)
        scene.gateway.begins = "2026-03-01T12:09:00.1Z"
        assert await scene.ask() == LogView(done=True)


@in_virtual_time
async def test_a_log_that_is_too_large_is_cut_to_its_end_and_that_is_told() -> None:
    lines = b"".join(b"%06d\n" % n for n in range(1000))
    async with working(lines, failures=(TOO_LARGE,) * 2) as scene:
        view = await scene.ask()
        (kept,) = scene.mlflow.files.values()
        assert lines.endswith(kept)
        assert len(lines) // 5 < len(kept) < len(lines) // 4
        told = f"all but its last {len(kept)} bytes, as MLflow answers 413: of the door"
        assert view == LogView(done=True, missing=told)


@in_virtual_time
async def test_of_a_log_that_is_always_too_large_something_is_kept_and_tried() -> None:
    async with working(b"x" * 10_000, failures=(TOO_LARGE,) * 12) as scene:
        view = await scene.ask()
        assert view.done
        assert scene.mlflow.files


@in_virtual_time
async def test_no_more_logs_are_read_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("alidade_operator.act.log_archive.MAX_WAITING_BYTES", 4)
    async with working(b"said", failures=(AWAY,) * 8) as scene:
        await scene.ask()
        assert scene.mlflow.files == {"r1/logs/p/worker.log": b"said"}
        scene.mlflow.failures = [AWAY] * 8
        first = ArchiveLog("r1", "a", "worker")
        second = ArchiveLog("r1", "b", "worker")
        scene.archive.request(KEY, "u", first)
        await asyncio.sleep(2)
        scene.archive.request(KEY, "u", second)
        await asyncio.sleep(2)
        told = scene.archive.views("u")["b", "worker"]
        of = "logs of namespace lab"
        assert told.trouble == f"is not read yet, as 0 MiB of {of} wait for MLflow already"
        await asyncio.sleep(600)
        assert len(scene.mlflow.files) == 3


@in_virtual_time
async def test_a_disk_that_is_full_is_told_and_the_log_read_again_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(path: Path, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    async with working(b"said") as scene:
        with monkeypatch.context() as disk:
            disk.setattr(Path, "write_bytes", full)
            view = await scene.ask()
            told = "cannot be kept until MLflow takes it: No space left on device"
            assert view == LogView(trouble=told)
        await asyncio.sleep(60)
        assert scene.archive.views("u")["p", "worker"] == LogView(done=True)
        assert scene.mlflow.files == {"r1/logs/p/worker.log": b"said"}


@in_virtual_time
async def test_a_disk_that_does_not_let_a_log_be_cut_is_told_as_long_as_it_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = Path.open

    def broken(path: Path, mode: str = "r") -> IO[Any]:
        if "+" in mode:
            raise OSError(errno.EROFS, "Read-only file system")
        return opened(path, mode)

    async with working(b"x\n" * 5_000, failures=(TOO_LARGE,) * 30) as scene:
        with monkeypatch.context() as disk:
            disk.setattr(Path, "open", broken)
            view = await scene.ask()
        told = (
            "cannot be cut to what MLflow takes, which answers 413: of the door: "
            "Read-only file system"
        )
        assert view == LogView(trouble=told)
        assert KEY in scene.woken
        await asyncio.sleep(3600)
        (kept,) = scene.mlflow.files.values()
        view = scene.archive.views("u")["p", "worker"]
        assert (view.done, view.trouble) == (True, None)
        assert f"all but its last {len(kept)} bytes" in (view.missing or "")


@pytest.mark.parametrize("failure", [AWAY, TOO_LARGE], ids=["away", "too large"])
@in_virtual_time
async def test_a_log_that_somebody_deletes_on_the_operators_disk_is_told_and_given_up(
    failure: TrackingError, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with working(b"x" * 5_000, failures=(failure,) * 100) as scene:
        scene.archive.request(KEY, "u", LOG)
        await asyncio.sleep(10)
        _delete_all(tmp_path)
        view = await scene.ask()
        assert (view.done, view.trouble) == (
            True,
            "it was lost on the operator's own disk, where it waited for MLflow",
        )


@in_virtual_time
async def test_a_log_out_of_reach_is_tried_again() -> None:
    async with working(UnavailableError("no route to host"), b"said") as scene:
        assert await scene.ask() == LogView(done=True)
        assert scene.gateway.reads == 2


@in_virtual_time
async def test_why_a_log_is_out_of_reach_is_told() -> None:
    async with working(UnavailableError("no route to host")) as scene:
        assert await scene.ask() == LogView(trouble="cannot be read: no route to host")


@in_virtual_time
async def test_the_log_of_a_pod_that_is_gone_is_given_up() -> None:
    async with working(NotFoundError('pods "p" not found')) as scene:
        view = await scene.ask()
        assert (view.done, view.trouble) == (True, "it was gone before its log was read")


@in_virtual_time
async def test_a_container_without_a_log_is_given_up() -> None:
    async with working(InvalidError("container not found")) as scene:
        assert await scene.ask() == LogView(done=True, trouble="container not found")


@in_virtual_time
async def test_its_last_words_stand_for_a_log_that_is_empty_or_not_there() -> None:
    action = ArchiveLog("r1", "p", "worker", last_words="no such file")
    for answer in (b"", InvalidError("container not found")):
        async with working(answer) as scene:
            assert await scene.ask(action) == LogView(done=True)
            assert scene.mlflow.files == {"r1/logs/p/worker.log": b"no such file"}


@in_virtual_time
async def test_a_job_that_is_gone_is_forgotten() -> None:
    async with working(b"said") as scene:
        await scene.ask()
        scene.archive.forget("u")
        assert scene.archive.views("u") == {}
