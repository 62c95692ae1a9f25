"""Puts entries into a folder, each exactly once, and nothing anywhere else."""

import os
from pathlib import Path

from alidade_worker.source.entry import Entry
from alidade_worker.source.limits import Meter
from alidade_worker.source.names import Names
from alidade_worker.source.problems import RefusedError

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_FILE, _EXECUTABLE, _FOLDER = 0o644, 0o755, 0o755


class Writer:
    """Fills a folder of its own.

    Args:
        root: The folder, which is there and empty, and in which nobody else writes.
        meter: Counts what is written.
    """

    def __init__(self, root: Path, meter: Meter) -> None:
        self._root = root
        self._meter = meter
        self._names = Names()
        self._made = {root}
        self.files = 0

    def add(self, entry: Entry) -> None:
        """Write a file or make a folder.

        Raises:
            RefusedError: It is something else, or has no name of its own inside, or is too much.
            OSError: The disk does not take it.
        """
        self._meter.count_entry()
        if entry.odd:
            raise RefusedError(
                f"entry {entry.name!r} is {entry.odd}, and only files and folders are taken"
            )
        is_file = entry.content is not None
        path = self._root / self._names.admit(entry.name, is_file=is_file)
        for folder in self._missing(path.parent if is_file else path):
            if folder != path:
                # One that has no entry takes as much of a disk as one that has.
                self._meter.count_entry()
            folder.mkdir(mode=_FOLDER)
            self._made.add(folder)
        if entry.content is None:
            return
        descriptor = os.open(path, _NEW, _EXECUTABLE if entry.executable else _FILE)
        with os.fdopen(descriptor, "wb") as file:
            for piece in entry.content:
                self._meter.count_bytes(len(piece), entry.name)
                file.write(piece)
        self.files += 1

    def _missing(self, folder: Path) -> list[Path]:
        """Return the folders on the way to this one that are not there, the topmost first."""
        missing: list[Path] = []
        while folder not in self._made:
            missing.append(folder)
            folder = folder.parent
        return missing[::-1]
