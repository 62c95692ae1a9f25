"""Entries of a zip archive."""

import stat
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from alidade_worker.source.entry import Entry, folder, odd
from alidade_worker.source.limits import too_many
from alidade_worker.source.problems import RefusedError

_PIECE = 64 * 1024
_UNIX = 3
_EXECUTABLE = 0o111
# Of the record at the end: how many entries all its parts have.
_ENTRIES = 4
# Of the content, by any means; and of the list of names.
_ENCRYPTED = 0x1 | 0x40 | 0x2000


def entries(file: BinaryIO, most: int) -> Iterator[Entry]:
    """Read what a zip archive holds.

    Args:
        file: The archive.
        most: How many entries are taken.

    Raises:
        RefusedError: It is broken, cut off, encrypted, compressed in a way that few know, or says
            that it has more entries.
    """
    try:
        # From this record the library learns where the list of entries is, which it reads at once.
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined]
        told = end[_ENTRIES] if end else 0
        archive = zipfile.ZipFile(file) if told <= most else None
    except Exception as error:
        # What its parts raise, of whatever the file may be.
        raise RefusedError(f"it is no zip archive, or is cut off or broken ({error})") from error
    if archive is None:
        raise too_many(most)
    with archive:
        for info in archive.infolist():
            yield _entry(archive, info)


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    # The standard library cuts a name at NUL.
    name = info.orig_filename
    if info.flag_bits & _ENCRYPTED:
        raise RefusedError(f"entry {name!r} is encrypted")
    mode = info.external_attr >> 16 if info.create_system == _UNIX else 0
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFLNK:
        return odd(name, "a symbolic link")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return odd(name, "a device or a named pipe")
    if name.endswith("/") or kind == stat.S_IFDIR:
        return odd(name, "a folder with content") if info.file_size else folder(name)
    return Entry(name, _content(archive, info), executable=bool(mode & _EXECUTABLE))


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(info) as content:
            while piece := content.read(_PIECE):
                yield piece
    except Exception as error:
        # Each way of compression has errors of its own.
        raise RefusedError(f"entry {info.filename!r} cannot be read ({error})") from error
