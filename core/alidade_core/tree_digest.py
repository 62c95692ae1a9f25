"""A directory's digest: the same for the same files, whatever their times, modes and order."""

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def tree_digest(root: Path) -> str:
    """Return the SHA-256 of all regular files below a directory, 64 hexadecimal digits.

    It is taken over a line for each file, in the order of their relative paths as UTF-8: path, NUL,
    hexadecimal SHA-256 of what is in it, line feed. Empty directories do not count.

    Raises:
        ValueError: there is something that is neither a file nor a directory, or a name is no
            text; the message says which.
        OSError: something cannot be read.
    """
    digest = hashlib.sha256()
    for name, file in sorted((_utf8(path.relative_to(root)), path) for path in _files(root)):
        with file.open("rb") as content:
            of_file = hashlib.file_digest(content, "sha256").hexdigest()
        digest.update(name + b"\0" + of_file.encode() + b"\n")
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise ValueError(f"{path} is neither a file nor a directory")
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def _utf8(path: Path) -> bytes:
    try:
        return PurePosixPath(path).as_posix().encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the name {str(path)!r} is no text") from error
