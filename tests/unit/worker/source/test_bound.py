"""What asks for too much memory is told in a sentence, and does not get it."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from alidade_worker.source.bound import LEAST, MOST, allowance, bounded
from alidade_worker.source.limits import MEBIBYTE
from tests.support.archives import archive_of
from tests.support.bombs import (
    commit_of_a_delta,
    commit_of_zeros,
    tar_of_headers,
    xz_with_a_huge_dictionary,
    zip_of_entries,
)
from tests.support.git_server import GitServer, git
from tests.support.polling import PATIENCE_SECONDS
from tests.support.sources import REPOSITORY, WORKER

BOUND = 32 * MEBIBYTE
SAID = (
    "The source cannot be used: it takes more than 32 MiB of memory to unpack, as a bomb does; "
    "if it is none, the job needs a higher memory limit."
)

Told = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "folder"
    target.mkdir()
    return target


@pytest.fixture
def told(folder: Path) -> Told:
    """Return what is said of an archive, or a commit, that is read below the bound."""

    def run(place: str | Path, commit: str = "") -> str:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "tests.support.bounded_step"),
                *(str(BOUND), str(place), str(folder), *filter(None, [commit])),
            ],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), WORKER])},
            capture_output=True,
            check=True,
            timeout=PATIENCE_SECONDS,
        )
        found = json.loads(done.stdout)
        assert found["grew"] <= BOUND
        assert not found["bounded"]
        return str(found["said"])

    return run


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(xz_with_a_huge_dictionary, id="xz"),
        # A list of fifty megabytes, and one that is longer than it says.
        pytest.param(lambda: zip_of_entries(800, comment=b"x" * 65_000), id="zip-comments"),
        pytest.param(lambda: zip_of_entries(150_000, told=1), id="zip-entries"),
        pytest.param(lambda: tar_of_headers(2 * BOUND), id="tar-headers"),
    ],
)
def test_an_archive_that_asks_for_too_much(
    tmp_path: Path, folder: Path, told: Told, bomb: Callable[[], bytes]
) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(bomb())
    assert told(archive) == SAID
    assert not list(folder.iterdir())


@pytest.mark.parametrize("commit_of", [commit_of_zeros, commit_of_a_delta])
def test_a_commit_that_asks_for_too_much(
    tmp_path: Path, folder: Path, told: Told, commit_of: Callable[[Path, int], str]
) -> None:
    repository = tmp_path / "served" / "repo"
    repository.mkdir(parents=True)
    git(repository, "init", "--quiet")
    commit = commit_of(repository, 2 * BOUND)
    with GitServer(tmp_path / "served") as server:
        assert told(f"{server.uri}/repo/.git", commit) == SAID
    assert not list(folder.iterdir())


def test_a_zip_that_says_how_many_it_has_is_refused_before_it_is_read(
    tmp_path: Path, told: Told
) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(zip_of_entries(60_000))
    said = "The source cannot be used: it has more than 10,000 files and folders."
    assert told(archive) == said


def test_what_takes_little_is_not_in_the_way(tmp_path: Path, told: Told) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(archive_of({"a": bytes(8 * MEBIBYTE)}))
    assert told(archive) == ""


def test_what_libraries_make_of_it_on_the_way_out_is_no_matter() -> None:
    def clean_up() -> None:
        try:
            bytearray(2 * BOUND)
        finally:
            raise ValueError("cannot close")

    with pytest.raises(MemoryError), bounded(BOUND):
        clean_up()
    with pytest.raises(ValueError, match="broken"), bounded(BOUND):
        raise ValueError("broken")


def test_a_tighter_bound_than_ours_stays() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with bounded(BOUND):
        outer, _ = resource.getrlimit(resource.RLIMIT_DATA)
        with bounded(10 * BOUND):
            assert resource.getrlimit(resource.RLIMIT_DATA) == (outer, hard)
    assert resource.getrlimit(resource.RLIMIT_DATA) == (soft, hard)


@pytest.mark.parametrize(
    ("file", "text", "bound"),
    [
        ("memory.max", "max\n", MOST),
        ("memory.max", f"{64 * 1024 * MEBIBYTE}\n", MOST),
        ("memory.max", f"{MEBIBYTE}\n", LEAST),
        ("memory/memory.limit_in_bytes", f"{2**63 - 4096}\n", MOST),
        ("gone", "", MOST),
    ],
)
def test_the_bound_is_made_of_the_containers_limit(
    tmp_path: Path, file: str, text: str, bound: int
) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(text)
    assert allowance(tmp_path) == bound


def test_of_what_the_limit_leaves_a_quarter_stays_free(tmp_path: Path) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    (tmp_path / "memory.max").write_text(f"{used + 400 * MEBIBYTE}\n")
    assert 290 * MEBIBYTE < allowance(tmp_path) < 310 * MEBIBYTE
