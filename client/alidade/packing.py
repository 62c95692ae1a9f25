"""A folder as an archive: the same content makes the same archive, on any machine."""

import gzip
import hashlib
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pathspec import GitIgnoreSpec

from alidade.errors import PackingError

IGNORED_BY: Final = (".gitignore", ".alidadeignore")
MAX_BYTES: Final = 64 * 1024 * 1024
"""How large an archive may be: data belongs into datasets."""

# Of version control, of Python and of its tools: none of it is part of a workflow.
_NEVER: Final = (".git/", "__pycache__/", "*.pyc", ".venv/", ".DS_Store", ".ipynb_checkpoints/")
_FILE: Final = 0o644
_PROGRAM: Final = 0o755


@dataclass(frozen=True)
class Packed:
    """An archive of a workflow.

    Attributes:
        name: What it is called.
        content: Its bytes.
        files: How many files are in it; 0 where it was given as an archive.
        left_out: What of the folder is not in it, folders with a slash.
    """

    name: str
    content: bytes
    files: int = 0
    left_out: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Its digest."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def told(self) -> str:
        """What a user is told of it."""
        size = f"{-(-len(self.content) // 1024):,} KiB"
        if not self.files:
            return f"{self.name}: {size}, sha256 {self.sha256[:12]}"
        told = f"packed {self.files} files, {size}, sha256 {self.sha256[:12]}"
        return f"{told}; left out: {', '.join(self.left_out)}" if self.left_out else told


def pack(workflow: Path) -> Packed:
    """Pack a folder; an archive is taken as it is.

    Raises:
        PackingError: It is neither, has no MLproject, has links or devices, or is too large.
    """
    if workflow.is_dir():
        return _pack_folder(workflow)
    if not workflow.is_file():
        raise PackingError(f"{workflow}: there is no such folder or archive")
    if workflow.stat().st_size > MAX_BYTES:
        raise _too_large(str(workflow))
    if not (tarfile.is_tarfile(workflow) or zipfile.is_zipfile(workflow)):
        raise PackingError(f"{workflow}: is no tar, compressed or not, and no zip")
    return Packed(workflow.name, workflow.read_bytes())


def _pack_folder(folder: Path) -> Packed:
    left_out: list[str] = []
    found = sorted(_files(folder, folder, [], left_out))
    if "MLproject" not in {name for name, _ in found}:
        told = " (it is left out)" if "MLproject" in left_out else ""
        raise PackingError(f"{folder}: there is no MLproject in it{told}")
    written = io.BytesIO()
    # gzip would write down the time and the name of the file.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=written, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, path in found:
            archive.addfile(*_entry(name, path))
            if written.tell() > MAX_BYTES:
                raise _too_large(str(folder))
    if len(written.getvalue()) > MAX_BYTES:
        raise _too_large(str(folder))
    return Packed("workflow.tar.gz", written.getvalue(), len(found), tuple(sorted(left_out)))


def _entry(name: str, path: Path) -> tuple[tarfile.TarInfo, io.BytesIO]:
    content = path.read_bytes()
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    entry.mode = _PROGRAM if path.stat().st_mode & stat.S_IXUSR else _FILE
    return entry, io.BytesIO(content)


_Spec = tuple[Path, GitIgnoreSpec]


def _files(
    root: Path, folder: Path, above: list[_Spec], left_out: list[str]
) -> Iterator[tuple[str, Path]]:
    """Yield names and paths of what is to be packed; note what is left out."""
    specs = [*above, *_specs(folder, at_root=folder == root)]
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        name = path.relative_to(root).as_posix()
        is_folder = entry.is_dir(follow_symlinks=False)
        if _is_ignored(path, specs, is_folder=is_folder):
            left_out.append(f"{name}/" if is_folder else name)
        elif entry.is_symlink():
            raise PackingError(f"{name}: is a link; put a copy in its place, or leave it out by "
                               ".alidadeignore")  # fmt: skip
        elif is_folder:
            yield from _files(root, path, specs, left_out)
        elif entry.is_file(follow_symlinks=False):
            yield name, path
        else:
            raise PackingError(f"{name}: is neither a file nor a folder")


def _specs(folder: Path, *, at_root: bool) -> Iterator[_Spec]:
    if at_root:
        yield folder, GitIgnoreSpec.from_lines(_NEVER)
    for name in IGNORED_BY:
        listed = folder / name
        if listed.is_file():
            yield folder, GitIgnoreSpec.from_lines(listed.read_text().splitlines())


def _is_ignored(path: Path, specs: list[_Spec], *, is_folder: bool) -> bool:
    """Say whether a path is left out: the last pattern that fits decides, as with git."""
    ignored = False
    for folder, spec in specs:
        name = path.relative_to(folder).as_posix() + ("/" if is_folder else "")
        told = spec.check_file(name).include
        if told is not None:
            ignored = told
    return ignored


def _too_large(what: str) -> PackingError:
    return PackingError(
        f"{what}: the archive would have more than {MAX_BYTES // 1024**2} MiB: leave data out by "
        ".alidadeignore, and give it to jobs as datasets"
    )
