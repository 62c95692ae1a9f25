"""Unpacks an archive, whose kind is told by its content, into an empty folder."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from alidade_worker.source import tar_archive, zip_archive
from alidade_worker.source.entry import Entry
from alidade_worker.source.limits import LIMITS, Limits, Meter
from alidade_worker.source.problems import RefusedError
from alidade_worker.source.writer import Writer

_COMPRESSED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_TAR = (257, b"ustar")
_LONGEST_MAGIC = 512


def unpack(archive: Path, folder: Path, limits: Limits = LIMITS) -> None:
    """Unpack a tar archive, plain or compressed by gzip, bzip2 or xz, or a zip archive.

    Args:
        archive: The file.
        folder: Where to; it is there, and empty.
        limits: How much is taken.

    Raises:
        RefusedError: It is none of these, or holds what is not taken; the folder may have a part.
        OSError: The disk does not take it.
    """
    writer = Writer(folder, Meter(limits, archive.stat().st_size))
    with archive.open("rb") as file:
        for entry in _entries(file, limits):
            writer.add(entry)
    if not writer.files:
        raise RefusedError("it holds no file")


def _entries(file: BinaryIO, limits: Limits) -> Iterator[Entry]:
    begin = file.read(_LONGEST_MAGIC)
    file.seek(0)
    if begin.startswith(_ZIP):
        yield from zip_archive.entries(file, limits.entries)
        return
    for magic, opened in _COMPRESSED.items():
        if begin.startswith(magic):
            with opened(file) as stream:
                # Beside the files, which are counted as they are written.
                yield from tar_archive.entries(_Decompressed(stream, 2 * limits.unpacked))
            return
    at, magic = _TAR
    if begin[at:].startswith(magic):
        yield from tar_archive.entries(file)
        return
    raise RefusedError("it is no archive (tar, or tar by gzip, bzip2 or xz, or zip)")


class _Decompressed:
    """What comes out of a decompressor, of which every error is told as the archive's.

    Args:
        stream: The decompressor.
        most: How many bytes may come out of it, names and padding included.
    """

    def __init__(self, stream: BinaryIO, most: int) -> None:
        self._stream = stream
        self._left = most

    def read(self, size: int) -> bytes:
        """Read some bytes, none at the end."""
        try:
            piece = self._stream.read(size)
        except EOFError as error:
            raise RefusedError("it is cut off") from error
        except (OSError, zlib.error, lzma.LZMAError) as error:
            raise RefusedError(f"it cannot be decompressed ({error})") from error
        self._left -= len(piece)
        if self._left < 0:
            raise RefusedError("it has far more names and padding than files")
        return piece
