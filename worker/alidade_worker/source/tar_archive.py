"""Entries of a tar archive: ustar, pax and GNU.

Headers are decoded by the standard library, which goes on with the next archive where it finds no
more of one, and looks for what it skips by seeking. Here a block that is none is the end of it all.
"""

import tarfile
from collections.abc import Iterator
from typing import Protocol

from alidade_worker.source.entry import Entry, folder, odd
from alidade_worker.source.problems import RefusedError

_BLOCK = tarfile.BLOCKSIZE
_PIECE = 64 * 1024
# Of names and attributes of one entry; programs write some hundred bytes.
_LONGEST_HEADER = 1024 * 1024
_EXECUTABLE = 0o111
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_ODD = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


class Readable(Protocol):
    """What an archive is read from."""

    def read(self, size: int, /) -> bytes:
        """Read some bytes, none at the end."""
        ...


def entries(stream: Readable) -> Iterator[Entry]:
    """Read what a tar archive holds.

    Raises:
        RefusedError: It is broken, cut off, or goes on after its end.
    """
    blocks = _Blocks(stream)
    # What headers before an entry's own say of it.
    said: dict[str, str] = {}
    while (block := blocks.header()) is not None:
        info = _decoded(block)
        match info.type:
            case tarfile.XHDTYPE | tarfile.SOLARIS_XHDTYPE:
                said |= _records(blocks.text(info))
            case tarfile.XGLTYPE:
                _be_of_no_effect(_records(blocks.text(info)))
            case tarfile.GNUTYPE_LONGNAME:
                said["path"] = _text(blocks.text(info).removesuffix(b"\0"))
            case tarfile.GNUTYPE_LONGLINK:
                blocks.text(info)
            case _:
                yield from _entry(blocks, info, said)
                said = {}
    if said:
        raise RefusedError("it ends in the middle of an entry")


def _entry(blocks: "_Blocks", info: tarfile.TarInfo, said: dict[str, str]) -> Iterator[Entry]:
    name = said.get("path", info.name)
    if any(key.startswith("GNU.sparse") for key in said):
        yield odd(name, "a sparse file")
    elif info.type in _REGULAR:
        size = _size(said.get("size"), info.size)
        content = blocks.content(size)
        yield Entry(name, content, executable=bool(info.mode & _EXECUTABLE))
        # Whoever did not read it goes on after it all the same.
        for _ in content:
            pass
    elif info.isdir():
        yield folder(name)
    else:
        yield odd(name, _ODD.get(info.type, "of an unknown kind"))


class _Blocks:
    """The blocks of an archive, one after another."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream

    def header(self) -> bytes | None:
        """Return the next block, None where the archive has ended well."""
        block = self._read(_BLOCK)
        if any(block):
            return block
        while piece := self._stream.read(_PIECE):
            if any(piece):
                raise RefusedError("something comes after its end")
        return None

    def text(self, info: tarfile.TarInfo) -> bytes:
        """Return what a header of several blocks says."""
        if not 0 <= info.size <= _LONGEST_HEADER:
            raise RefusedError(f"it has a header of {info.size:,} bytes")
        return b"".join(self.content(info.size))

    def content(self, size: int) -> Iterator[bytes]:
        """Return the content of an entry, piece by piece, and go on after it."""
        left = size
        while left:
            piece = self._read(min(left, _PIECE))
            left -= len(piece)
            yield piece
        self._read(-size % _BLOCK)

    def _read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            piece = self._stream.read(size - len(found))
            if not piece:
                raise RefusedError("it is cut off")
            found += piece
        return found


def _decoded(block: bytes) -> tarfile.TarInfo:
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as error:
        raise RefusedError(f"it is no tar archive, or is broken ({error})") from error


def _records(text: bytes) -> dict[str, str]:
    """Read what a pax header says: records of length, space, key, "=", value, line feed."""
    records = {}
    while text:
        length, space, rest = text.partition(b" ")
        size = int(length) - len(length) - 1 if length.isdigit() and len(length) < 8 else 0  # noqa: PLR2004
        record, text = rest[:size], rest[size:]
        key, equals, value = record.removesuffix(b"\n").partition(b"=")
        if not (space and equals and record.endswith(b"\n") and len(record) == size):
            raise RefusedError("it has a broken pax header")
        records[_text(key)] = _text(value)
    return records


def _be_of_no_effect(records: dict[str, str]) -> None:
    """Take a header for all that follow, as of "git archive", if it renames nothing."""
    if not {"path", "size", "linkpath"}.isdisjoint(records):
        raise RefusedError("it has a pax header that gives all entries one name or size")


def _size(told: str | None, otherwise: int) -> int:
    size = otherwise if told is None else int(told) if told.isdecimal() and len(told) < 20 else -1  # noqa: PLR2004
    if size < 0:
        raise RefusedError("it has an entry without a size")
    return size


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
