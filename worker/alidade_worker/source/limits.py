"""How large a source may be, so that a mistake or a bomb fills no node's disk."""

from dataclasses import dataclass

from alidade_worker.source.problems import RefusedError

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What is refused beyond; sizes in bytes."""

    archive: int = 512 * MEBIBYTE
    """Of the archive as it is fetched."""
    unpacked: int = 1024 * MEBIBYTE
    """Of all files together."""
    entries: int = 10_000
    """Files and folders."""
    ratio: int = 100
    """Of what is unpacked to the archive, where the former is more than :attr:`unsuspicious`."""
    unsuspicious: int = 10 * MEBIBYTE


LIMITS = Limits()
"""Of a workflow's source."""

DATASET_LIMITS = Limits(
    archive=8 * 1024 * MEBIBYTE,
    unpacked=32 * 1024 * MEBIBYTE,
    entries=200_000,
    unsuspicious=1024 * MEBIBYTE,
)
"""Of a dataset that is an artifact; what is larger is better kept by a claim."""


class Meter:
    """Counts what comes out of an archive.

    Args:
        limits: What it may come to.
        archive: Size of the archive in bytes.
    """

    def __init__(self, limits: Limits, archive: int) -> None:
        self._limits = limits
        self._archive = archive
        self._entries = 0
        self._bytes = 0

    def count_entry(self) -> None:
        """Count a file or folder.

        Raises:
            RefusedError: There are too many.
        """
        self._entries += 1
        if self._entries > self._limits.entries:
            raise too_many(self._limits.entries)

    def count_bytes(self, count: int, name: str) -> None:
        """Count what was unpacked of an entry.

        Raises:
            RefusedError: It is too much, or far too much for an archive of this size.
        """
        self._bytes += count
        if self._bytes > self._limits.unpacked:
            raise RefusedError(
                f"with entry {name!r} it unpacks to more than {_mebibytes(self._limits.unpacked)}"
            )
        suspicious = self._bytes > self._limits.unsuspicious
        if suspicious and self._bytes > self._limits.ratio * self._archive:
            raise RefusedError(
                f"with entry {name!r} it unpacks to more than {self._limits.ratio} times its "
                f"{self._archive:,} bytes, as only a bomb does"
            )


def too_many(most: int) -> RefusedError:
    """Return what it means that there are more files and folders than are taken."""
    return RefusedError(f"it has more than {most:,} files and folders")


def _mebibytes(size: int) -> str:
    return f"{size // MEBIBYTE:,} MiB"
