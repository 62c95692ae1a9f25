"""Commits of real repositories, served by git itself."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alidade_worker.source.git import fetch_commit
from alidade_worker.source.limits import Limits
from alidade_worker.source.means import Means
from alidade_worker.source.problems import AwayError, RefusedError
from tests.support.archives import tree
from tests.support.git_server import PASSWORD, USER, GitServer, commit_all, git
from tests.support.process import free_port

Fetch = Callable[..., Path]
FILES = {"MLproject": b"name: x\n", "a/b.py": b"print()\n", "caf\u00e9": b"", "-n": b"x"}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "served" / "team" / "repo.git"
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet")
    for name, content in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    with GitServer(tmp_path / "served") as running:
        yield running


@pytest.fixture
def fetched(tmp_path: Path, means: Callable[..., Means], server: GitServer) -> Fetch:
    def fetch(commit: str, uri: str = "", seconds: float = 0, limits: Limits | None = None) -> Path:
        target, scratch = tmp_path / "target", tmp_path / "objects"
        target.mkdir()
        fetch_commit(
            uri or f"{server.uri}/team/repo.git/.git",
            commit,
            target,
            scratch=scratch,
            means=means(seconds=seconds),
            limits=limits or Limits(),
        )
        return target

    return fetch


def files(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in tree(folder).items() if content is not None}


def test_the_files_of_a_commit_are_fetched_and_nothing_of_its_past(
    repository: Path, fetched: Fetch, tmp_path: Path
) -> None:
    (repository / "old").write_text("of the past")
    commit_all(repository)
    (repository / "old").unlink()
    (repository / "run").write_text("#!/bin/sh\n")
    (repository / "run").chmod(0o755)
    commit = commit_all(repository)
    folder = fetched(commit)
    assert files(folder) == {**FILES, "run": b"#!/bin/sh\n"}
    assert (folder / "run").stat().st_mode & 0o111
    assert not (folder / "MLproject").stat().st_mode & 0o111
    objects = git(tmp_path / "objects", "cat-file", "--batch-all-objects", "--batch-check")
    assert objects.count(" commit ") == 1


def test_a_commit_that_no_branch_shows_any_more_is_fetched_all_the_same(
    repository: Path, fetched: Fetch
) -> None:
    commit = commit_all(repository)
    (repository / "more").write_text("x")
    commit_all(repository)
    assert files(fetched(commit)) == FILES


def test_a_repository_by_sha256(tmp_path: Path, server: GitServer, fetched: Fetch) -> None:
    folder = tmp_path / "served" / "new"
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--object-format=sha256")
    (folder / "MLproject").write_bytes(b"name: x\n")
    commit = commit_all(folder)
    assert len(commit) == 64
    assert files(fetched(commit, f"{server.uri}/new/.git")) == {"MLproject": b"name: x\n"}


@pytest.mark.parametrize("commit", ["0123456789abcdef" * 2 + "01234567"])
def test_a_commit_that_is_not_there(repository: Path, fetched: Fetch, commit: str) -> None:
    commit_all(repository)
    with pytest.raises(RefusedError, match=f"the repository has no commit {commit}, or does not"):
        fetched(commit, seconds=300)


def test_what_is_no_commit(repository: Path, fetched: Fetch) -> None:
    commit_all(repository)
    blob = git(repository, "rev-parse", "HEAD:MLproject")
    with pytest.raises(RefusedError, match=rf"{blob} is no commit|no commit {blob}"):
        fetched(blob)


@pytest.mark.parametrize("right", [True, False])
def test_a_login_is_sent_where_the_job_has_one(
    repository: Path, server: GitServer, fetched: Fetch, tmp_path: Path, right: bool
) -> None:
    server.login = True
    commit = commit_all(repository)
    (tmp_path / "login").mkdir()
    (tmp_path / "login" / "username").write_text(USER)
    (tmp_path / "login" / "password").write_text(f"{PASSWORD}\n" if right else "another")
    if right:
        assert files(fetched(commit)) == FILES
        return
    with pytest.raises(RefusedError, match=r"^the server answers 401 Unauthorized$"):
        fetched(commit, seconds=300)
    assert len(server.seen) == 1


def test_who_has_no_login_is_told_where_it_would_come_from(
    repository: Path, server: GitServer, fetched: Fetch
) -> None:
    server.login = True
    with pytest.raises(RefusedError) as caught:
        fetched(commit_all(repository))
    assert str(caught.value) == (
        "the server answers 401 Unauthorized; the job names no Secret with a login for it"
    )


def test_a_login_of_which_a_half_is_missing(
    repository: Path, fetched: Fetch, tmp_path: Path
) -> None:
    (tmp_path / "login").mkdir()
    with pytest.raises(RefusedError, match="the Secret with its login is of no use"):
        fetched(commit_all(repository))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/team/gone", "the server answers 404 Not Found"),
        ("/", "the server answers 40"),
    ],
)
def test_what_is_no_repository(server: GitServer, fetched: Fetch, path: str, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        fetched("0" * 39 + "1", server.uri + path, seconds=300)


def test_a_page_that_is_no_repository(server: GitServer, fetched: Fetch) -> None:
    server.fault = lambda path: (200, {"Content-Type": "text/html"})
    with pytest.raises(RefusedError, match="no git repository answers there"):
        fetched("0" * 39 + "1", seconds=300)


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("asked", ["info/refs", "git-upload-pack"])
def test_a_server_that_is_busy_is_asked_again(
    repository: Path, server: GitServer, fetched: Fetch, status: int, asked: str
) -> None:
    losses = iter([(status, {"Retry-After": "2"})] * 2)
    server.fault = lambda path: next(losses, None) if asked in path else None
    assert files(fetched(commit_all(repository), seconds=300)) == FILES


def test_a_server_that_is_away(fetched: Fetch) -> None:
    with pytest.raises(AwayError, match=r"the server cannot be reached .*Connection refused"):
        fetched("0" * 39 + "1", f"http://127.0.0.1:{free_port()}/repo")


def test_links_submodules_and_large_files_elsewhere_are_named(
    repository: Path, fetched: Fetch, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    (other / "x").touch()
    commit_all(other)
    plain = commit_all(repository)
    for name, said in (
        ("link", "entry 'link' is a symbolic link"),
        ("sub", "entry 'sub' is a submodule"),
        ("lfs", "entry 'lfs' is kept by Git LFS"),
        ("MLPROJECT", "entry '(MLPROJECT|MLproject)' differs from"),
    ):
        git(repository, "reset", "--quiet", "--hard", plain)
        match name:
            case "link":
                (repository / name).symlink_to("/etc/passwd")
            case "sub":
                git(repository, "submodule", "--quiet", "add", str(other), name)
            case "lfs":
                (repository / name).write_text("version https://git-lfs.github.com/spec/v1\noid")
            case _:
                (repository / name).write_text("x")
        commit = commit_all(repository)
        with pytest.raises(RefusedError, match=said):
            fetched(commit)
        for folder in ("target", "objects"):
            (tmp_path / folder).rename(tmp_path / f"{folder}-{name}")
    assert not any(path.is_symlink() for path in tmp_path.glob("target-*/**/*"))


def test_a_commit_that_is_too_large(repository: Path, fetched: Fetch, tmp_path: Path) -> None:
    (repository / "large").write_bytes(bytes(range(256)) * 40)
    commit = commit_all(repository)
    with pytest.raises(RefusedError, match="the commit is larger than 0 MiB"):
        fetched(commit, limits=Limits(archive=100))
    for folder in ("target", "objects"):
        (tmp_path / folder).rename(tmp_path / f"{folder}-1")
    with pytest.raises(RefusedError, match="with entry 'large' it unpacks to more than 0 MiB"):
        fetched(commit, limits=Limits(unpacked=100))
