"""Where an entry is to be: its name, checked against all that could lead out or hide another.

The rules are those of every system that the same archive may be unpacked on: names that differ by
case alone are one file on some of them.
"""

import unicodedata
from itertools import takewhile
from pathlib import PurePosixPath

from alidade_worker.source.problems import RefusedError

_LONGEST_PART = 255
_LONGEST = 2048
_CONTROL = {"Cc", "Cs", "Zl", "Zp"}


class Names:
    """The names of one archive, of which no two may meet."""

    def __init__(self) -> None:
        self._listed: set[PurePosixPath] = set()
        self._files: set[PurePosixPath] = set()
        self._folders: set[PurePosixPath] = set()
        self._spelled: dict[str, PurePosixPath] = {}

    def admit(self, name: str, *, is_file: bool) -> PurePosixPath:
        """Return the relative path of an entry, with neither "." nor ".." in it.

        Raises:
            RefusedError: The name is none, or meets another one.
        """
        path = relative_path(name)
        if is_file and (not path.parts or name.endswith("/")):
            raise RefusedError(f"entry {name!r} is a file with the name of a folder")
        if path.parts and path in self._listed:
            raise RefusedError(f"entry {name!r} is there twice")
        self._listed.add(path)
        # Of a folder that is known, so are all above it.
        new = takewhile(lambda each: each.parts and each not in self._folders, path.parents)
        folders = list(new)
        for each in (path, *folders):
            self._admit_spelling(name, each)
        self._admit_kind(name, path, folders, is_file)
        return path

    def _admit_spelling(self, name: str, path: PurePosixPath) -> None:
        same = _folded(path)
        other = self._spelled.setdefault(same, path)
        if other != path:
            raise RefusedError(
                f"entry {name!r} differs from {str(other)!r} by no more than case or composition"
            )

    def _admit_kind(
        self, name: str, path: PurePosixPath, folders: list[PurePosixPath], is_file: bool
    ) -> None:
        folders = folders if is_file else [path, *folders]
        if not self._files.isdisjoint(folders) or (is_file and path in self._folders):
            raise RefusedError(f"entry {name!r} makes one name a file and a folder")
        self._folders.update(folders)
        if is_file:
            self._files.add(path)


def relative_path(name: str) -> PurePosixPath:
    """Return the path of this name, without the "." and doubled "/" that programs put in.

    Raises:
        RefusedError: It leads out, is absolute, too long or not made of characters that show.
    """
    _check_characters(name)
    path = PurePosixPath(name)
    if path.is_absolute():
        raise RefusedError(f"entry {name!r} has an absolute name")
    if ".." in path.parts:
        raise RefusedError(f"entry {name!r} leads out of the folder")
    longest = max((len(part.encode()) for part in path.parts), default=0)
    if longest > _LONGEST_PART or len(name.encode()) > _LONGEST:
        raise RefusedError(f"entry {name[:60]!r}... has too long a name")
    return path


def _check_characters(name: str) -> None:
    if any("\udc80" <= character <= "\udcff" for character in name):
        raise RefusedError(f"entry {name!r} has a name that is no UTF-8")
    if not name:
        raise RefusedError("an entry has no name")
    if any(unicodedata.category(character) in _CONTROL for character in name):
        raise RefusedError(f"entry {name!r} has a control character in its name")
    if "\\" in name:
        raise RefusedError(f"entry {name!r} has a backslash in its name; folders are told by /")


def _folded(path: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(path)).casefold())
