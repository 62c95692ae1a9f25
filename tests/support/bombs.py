"""Small archives and repositories that ask whoever reads them for a gigabyte, or for more."""

import io
import struct
import tarfile
import zipfile
import zlib
from hashlib import sha1
from pathlib import Path

from tests.support.archives import archive_of
from tests.support.git_server import commit_all, git

_XZ_HEADER = slice(12, 20)
_XZ_CHECKSUM = slice(20, 24)
_DICTIONARY_BYTE = 4
_LARGEST_DICTIONARY = 40
"""The code of 4 GiB - 1."""


def xz_with_a_huge_dictionary() -> bytes:
    """Return an archive whose decompressor allocates 4 GiB before its first byte."""
    content = bytearray(archive_of({"MLproject": "name: x\n"}, ".tar.xz"))
    header = content[_XZ_HEADER]
    header[_DICTIONARY_BYTE] = _LARGEST_DICTIONARY
    content[_XZ_HEADER] = header
    content[_XZ_CHECKSUM] = struct.pack("<I", zlib.crc32(header))
    return bytes(content)


def zip_of_entries(count: int, *, told: int | None = None, comment: bytes = b"") -> bytes:
    """Return a zip of empty files, each of a few bytes.

    Args:
        count: How many there are.
        told: How many it says there are; None: as many.
        comment: Of each of them.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("0000000")
        info.comment = comment
        archive.writestr(info, b"")
    content = buffer.getvalue()
    at = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    head, entry, record = content[:at], content[at:end], bytearray(content[end:])
    before, after = entry.split(b"0000000")
    listed = b"".join(b"%b%07d%b" % (before, number, after) for number in range(count))
    said = min(0xFFFF, count if told is None else told)
    record[8:16] = struct.pack("<HHI", said, said, len(listed))
    return head + listed + bytes(record)


def tar_of_headers(size: int) -> bytes:
    """Return a tar with so many bytes of extended headers before its one entry."""
    record = 512 * 1024
    parts = []
    for number in range(size // record):
        key = f"key{number}"
        rest = record - len(f"{record} {key}=\n")
        text = f"{record} {key}={'x' * rest}\n".encode()
        info = tarfile.TarInfo("header")
        info.type, info.size = tarfile.XHDTYPE, len(text)
        parts.append(info.tobuf(tarfile.USTAR_FORMAT) + text)
    return b"".join(parts) + archive_of({"MLproject": "name: x\n"}, ".tar")


def commit_of_zeros(repository: Path, size: int) -> str:
    """Commit a file of so many zeros, a thousandth of that in the repository."""
    with (repository / "zeros").open("wb") as file:
        file.truncate(size)
    return commit_all(repository)


def commit_of_a_delta(repository: Path, size: int) -> str:
    """Commit a file that is a delta: instructions to copy the same 64 KiB again and again."""
    base = bytes(range(256)) * 256
    copies = size // len(base)
    # Copy all of the base: from 0, its size by the third byte of three.
    copy = bytes((0b1100_0000, 1))
    delta = _varint(len(base)) + _varint(copies * len(base)) + copy * copies
    pack = b"PACK" + struct.pack(">II", 2, 2)
    pack += _object(3, base)
    pack += _object(7, delta, sha1(b"blob %d\0" % len(base) + base).digest())
    pack += sha1(pack).digest()
    place = repository / ".git/objects/pack/pack-bomb.pack"
    place.write_bytes(pack)
    git(repository, "index-pack", str(place))
    whole = sha1(b"blob %d\0" % (copies * len(base)))
    for _ in range(copies):
        whole.update(base)
    git(repository, "update-index", "--add", "--cacheinfo", f"100644,{whole.hexdigest()},large")
    tree = git(repository, "write-tree")
    commit = git(repository, "commit-tree", "-m", "x", tree)
    git(repository, "update-ref", "HEAD", commit)
    return commit


def _object(kind: int, content: bytes, base: bytes = b"") -> bytes:
    """Return an object of a pack; of kind 7 it is a delta, and has the name of its base."""
    size = len(content)
    head = [kind << 4 | size & 0b1111]
    size >>= 4
    while size:
        head[-1] |= 0b1000_0000
        head.append(size & 0b111_1111)
        size >>= 7
    return bytes(head) + base + zlib.compress(content)


def _varint(number: int) -> bytes:
    parts = [number & 0b111_1111]
    while number := number >> 7:
        parts[-1] |= 0b1000_0000
        parts.append(number & 0b111_1111)
    return bytes(parts)
