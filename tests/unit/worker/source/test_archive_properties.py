"""Any archive of any entries unpacks exactly or is refused, and nothing is written elsewhere."""

import io
import tarfile
import tempfile
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from alidade_worker.source.archive import unpack
from alidade_worker.source.problems import RefusedError
from tests.support.archives import TAR_MODES, member, tar_of, tree

PARTS = st.sampled_from(
    ["a", "A", "b", "..", ".", "", "e\u0301", "\u00e9", "\u0130", "\\", "x\0y", "\u202e"]
) | st.text(max_size=3)
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
KINDS = st.sampled_from(
    [
        *[tarfile.REGTYPE] * 6,
        *[tarfile.DIRTYPE] * 3,
        *(tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE),
    ]
)
TARGETS = st.sampled_from(["..", "/", "a", "../outside", "/etc/passwd"])
ENTRIES = st.lists(st.tuples(NAMES, KINDS, TARGETS, st.binary(max_size=5)), max_size=6)
Entries = Sequence[tuple[str, bytes, str, bytes]]


def unpacked(content: bytes) -> Mapping[str, bytes | None] | None:
    """Return what an archive unpacks to, None where it is refused; nothing else may be there."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        archive, folder = root / "archive", root / "outer" / "folder"
        archive.write_bytes(content)
        folder.mkdir(parents=True)
        (root / "outside").write_text("untouched")
        try:
            unpack(archive, folder)
            result = tree(folder)
        except RefusedError:
            result = None
        assert {path.name for path in root.iterdir()} == {"archive", "outer", "outside"}
        assert [path.name for path in (root / "outer").iterdir()] == ["folder"]
        assert (root / "outside").read_text() == "untouched"
        assert not any(path.is_symlink() for path in folder.rglob("*"))
        return result


def files_of(entries: Entries) -> dict[str, bytes]:
    return {
        "/".join(part for part in name.split("/") if part not in ("", ".")): content
        for name, kind, _, content in entries
        # To zip the name alone tells a folder.
        if kind == tarfile.REGTYPE and not name.endswith("/")
    }


def check(entries: Entries, content: bytes) -> None:
    found = unpacked(content)
    if found is None:
        return
    assert {kind for _, kind, *_ in entries} <= {tarfile.REGTYPE, tarfile.DIRTYPE}
    assert {name: c for name, c in found.items() if c is not None} == files_of(entries)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(ENTRIES, st.sampled_from([*TAR_MODES.values()]))
def test_tar(entries: Entries, mode: str) -> None:
    members = []
    for name, kind, target, content in entries:
        holds = content if kind in (tarfile.REGTYPE, tarfile.GNUTYPE_SPARSE) else b""
        members.append(member(name, holds, kind, target))
    try:
        archive = tar_of(members, mode)
    except (UnicodeError, ValueError):
        # No program can write it.
        return
    check(entries, archive)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(ENTRIES)
def test_zip(entries: Entries) -> None:
    buffer = io.BytesIO()
    kept: list[tuple[str, bytes, str, bytes]] = []
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        # Of names that are there twice.
        warnings.simplefilter("ignore")
        for name, kind, target, content in entries:
            if kind not in (tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE):
                continue
            info = zipfile.ZipInfo(name)
            if not name or not name.isprintable():
                # It is written under another name, or not at all.
                continue
            modes = {tarfile.REGTYPE: 0o100644, tarfile.DIRTYPE: 0o40755, tarfile.SYMTYPE: 0o120777}
            info.external_attr = modes[kind] << 16
            archive.writestr(info, target if kind == tarfile.SYMTYPE else content)
            kept.append((name, kind, target, content))
    check(kept, buffer.getvalue())


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    st.sampled_from([*TAR_MODES.values()]),
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), min_size=1, max_size=3),
)
def test_a_tar_with_bytes_changed(mode: str, changes: Sequence[tuple[int, int]]) -> None:
    content = bytearray(tar_of([member("a", b"1"), member("b/c", b"2" * 600)], mode))
    for at, value in changes:
        content[at % len(content)] = value
    unpacked(bytes(content))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_zip_with_bytes_changed(changes: Sequence[tuple[int, int]]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", "1")
        archive.writestr("b/c", "2" * 600)
    content = bytearray(buffer.getvalue())
    for at, value in changes:
        content[at % len(content)] = value
    unpacked(bytes(content))
