"""Archives of any content, well made or not."""

import io
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

Files = Mapping[str, str | bytes]

TAR_MODES = {".tar": "w:", ".tgz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}
ENDS = (*TAR_MODES, ".zip")


def tar_of(members: Iterable[tuple[tarfile.TarInfo, bytes]], mode: str = "w:") -> bytes:
    """Return a tar archive of members with their contents."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def member(
    name: str,
    content: bytes = b"",
    kind: bytes = tarfile.REGTYPE,
    target: str = "",
    mode: int = 0o644,
) -> tuple[tarfile.TarInfo, bytes]:
    """Return a member of a tar archive."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.size = kind, target, mode, len(content)
    return info, content


def archive_of(files: Files, end: str = ".tgz") -> bytes:
    """Return an archive of files, of the kind that a name with this end has."""
    contents = {
        name: text.encode() if isinstance(text, str) else text for name, text in files.items()
    }
    if end == ".zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                archive.writestr(name, content)
        return buffer.getvalue()
    return tar_of((member(*each) for each in contents.items()), TAR_MODES[end])


def digest(content: bytes) -> str:
    """Return the SHA-256, in hexadecimal digits."""
    return sha256(content).hexdigest()


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return all files below a folder with their contents, and None for each folder."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }
