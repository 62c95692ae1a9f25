"""The files of one commit of a git repository, by the smart HTTP protocol.

Nothing but objects is fetched, and only those of the commit itself: no history, no submodules, no
hooks, and nothing is read of any git configuration.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from certifi import where
from dulwich.client import HttpGitClient, default_urllib3_manager
from dulwich.config import ConfigDict
from dulwich.errors import GitProtocolError, HangupException
from dulwich.objects import Blob, Commit, ObjectID, Tree
from dulwich.repo import Repo
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from alidade_core.words import last_of, words_of
from alidade_worker.source.answers import check
from alidade_worker.source.entry import Entry, folder, odd
from alidade_worker.source.limits import LIMITS, MEBIBYTE, Limits, Meter
from alidade_worker.source.means import Means
from alidade_worker.source.problems import AwayError, RefusedError
from alidade_worker.source.writer import Writer

_ADVERTISEMENT = "application/x-git-upload-pack-advertisement"
_LFS = b"version https://git-lfs.github.com/spec/"
_NOT_THERE = ("not our ref", "unadvertised object", "no such remote ref")
_SHA1_DIGITS = 40
# A line begins with its length in four digits.
_LENGTH, _ERROR = 4, b"ERR "
_ONCE = Retry(total=None, connect=0, read=0, redirect=5, status=0, other=0)
_LONGEST_CAUSE = 200


class _Login(NamedTuple):
    username: str
    password: str


def fetch_commit(
    repository: str,
    commit: str,
    target: Path,
    *,
    scratch: Path,
    means: Means,
    limits: Limits = LIMITS,
) -> None:
    """Put the files of a commit into a folder.

    Args:
        repository: The repository's address, http or https.
        commit: The full name of the commit, hexadecimal.
        target: The folder, which is there and empty.
        scratch: A folder for what is needed meanwhile, which is not there yet.
        means: What it is fetched with.
        limits: How much is taken.

    Raises:
        RefusedError: It is not there for this job, or holds what is not taken.
        AwayError: The server cannot be reached, for as long as it was tried.
    """
    kind = "sha1" if len(commit) == _SHA1_DIGITS else "sha256"
    with Repo.init_bare(scratch, mkdir=True, object_format=kind) as store:
        name = ObjectID(commit.encode())
        size = means.patience.persist(lambda: _fetch(repository, name, store, means, limits))
        writer = Writer(target, Meter(limits, size))
        for entry in _entries(store, name):
            writer.add(entry)
        if not writer.files:
            raise RefusedError("the commit has no file")


def _fetch(repository: str, commit: ObjectID, store: Repo, means: Means, limits: Limits) -> int:
    """Fetch the objects of a commit; return their size as they came, in bytes."""
    login = _login(means.git_credentials)
    client = HttpGitClient(
        repository,
        pool_manager=_Door(repository, means.timeout),  # type: ignore[arg-type] # the part in use
        thin_packs=False,
        quiet=True,
        username=login.username if login else None,
        password=login.password if login else None,
    )
    pack, commit_pack, abort_pack = store.object_store.add_pack()
    size = 0

    def take(piece: bytes) -> int:
        nonlocal size
        size += len(piece)
        if size > limits.archive:
            raise RefusedError(f"the commit is larger than {limits.archive // MEBIBYTE:,} MiB")
        return pack.write(piece)

    try:
        client.fetch_pack(
            urlsplit(repository).path,
            lambda refs, depth=None: [commit],
            store.get_graph_walker([]),
            take,
            depth=1,
        )
        commit_pack()
    except BaseException as error:
        abort_pack()
        problem = _problem_of(error, commit.decode(), login is not None)
        if problem is error:
            raise
        raise problem from error
    return size


def _login(secret: Path) -> _Login | None:
    if not secret.is_dir():
        return None
    try:
        texts = [(secret / field).read_text("utf-8").rstrip("\r\n") for field in _Login._fields]
    except (OSError, ValueError) as error:
        raise RefusedError(f"the Secret with its login is of no use ({error})") from error
    # The client sends Latin-1, where git and its servers have UTF-8.
    return _Login(*(text.encode().decode("latin-1") for text in texts))


def _problem_of(error: BaseException, commit: str, known: bool) -> BaseException:
    """Return what it means that there are no objects."""
    if isinstance(error, RefusedError) and not known and "answers 40" in str(error):
        return RefusedError(f"{error}; the job names no Secret with a login for it")
    if isinstance(error, RefusedError | AwayError) or not isinstance(error, Exception):
        return error
    words = words_of(error)
    if any(said in words for said in _NOT_THERE):
        return RefusedError(f"the repository has no commit {commit}, or does not give it by name")
    if isinstance(error, HTTPError | HangupException | OSError) or error.__cause__:
        return AwayError(f"the server breaks off ({words[:_LONGEST_CAUSE]})")
    return RefusedError(f"the server gives no commit ({words[:_LONGEST_CAUSE]})")


class _Door:
    """The HTTP client of a repository, which tells an error for what it is.

    Dulwich keeps neither what a server says nor for how long it wants to be left alone.
    """

    def __init__(self, repository: str, timeout: float) -> None:
        config = ConfigDict()
        certificates = os.environ.get("REQUESTS_CA_BUNDLE") or where()
        config.set(b"http", b"sslCAInfo", certificates.encode())
        self._pool = default_urllib3_manager(config, base_url=repository, timeout=timeout)
        self.headers: Mapping[str, str] = self._pool.headers

    def request(self, method: str, url: str, **options: Any) -> "_Answer":
        """Send a request, and return the answer if it is none of an error."""
        try:
            answer = self._pool.request(method, url, **options, retries=_ONCE)
        except HTTPError as error:
            words = last_of(error, _LONGEST_CAUSE)
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise RefusedError(
                    f"the server's certificate is not one to trust ({words})"
                ) from error
            raise AwayError(f"the server cannot be reached ({words})") from error
        check(answer)
        kind = answer.headers.get("Content-Type", "")
        if method == "GET" and kind.partition(";")[0] != _ADVERTISEMENT:
            raise RefusedError("no git repository answers there by the smart HTTP protocol")
        return _Answer(answer)


class _Answer:
    """The part of an answer that Dulwich uses, which is none of an error of git either.

    Dulwich takes a line of an error for one of a pack.
    """

    def __init__(self, answer: BaseHTTPResponse) -> None:
        self.status, self.headers = answer.status, answer.headers
        self.geturl, self.close = answer.geturl, answer.close
        self._answer = answer
        self._begin = answer.read(_LENGTH + len(_ERROR))
        if self._begin[_LENGTH:] == _ERROR:
            words = answer.read(_LONGEST_CAUSE).decode(errors="replace").strip()
            raise GitProtocolError(words)

    def read(self, size: int) -> bytes:
        """Read so many bytes, fewer at the end."""
        begin, self._begin = self._begin[:size], self._begin[size:]
        left = size - len(begin)
        return begin + self._answer.read(left) if left else begin


def _entries(store: Repo, name: ObjectID) -> Iterator[Entry]:
    commit = store[name]
    if not isinstance(commit, Commit):
        raise RefusedError(f"{name.decode()} is no commit")
    waiting = [("", commit.tree)]
    while waiting:
        place, tree_id = waiting.pop()
        tree = store[tree_id]
        if not isinstance(tree, Tree):
            raise RefusedError(f"folder {place!r} of the commit is broken")
        for each in tree.iteritems(name_order=True):
            path = place + each.path.decode("utf-8", "surrogateescape")
            if stat.S_ISDIR(each.mode):
                yield folder(path)
                waiting.append((f"{path}/", each.sha))
            else:
                yield _entry(store, path, each.mode, each.sha)


def _entry(store: Repo, path: str, mode: int, name: ObjectID) -> Entry:
    if stat.S_ISLNK(mode):
        return odd(path, "a symbolic link")
    if not stat.S_ISREG(mode):
        return odd(path, "a submodule")
    blob = store[name]
    if not isinstance(blob, Blob):
        raise RefusedError(f"entry {path!r} of the commit is broken")
    content = blob.as_raw_chunks()
    if b"".join(content[:1]).startswith(_LFS):
        return odd(path, "kept by Git LFS")
    return Entry(path, content, executable=bool(mode & stat.S_IXUSR))
