"""Folders as archives."""

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from alidade import packing
from alidade.errors import PackingError
from alidade.packing import pack
from alidade_core.tree_digest import tree_digest
from alidade_worker.source.archive import unpack
from tests.support.archives import tree


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "own", MLproject="name: own\n", **{"package/train.py": "print('here')\n"})
    return tmp_path / "own"


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def entries(content: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return archive.getmembers()


def names(folder: Path) -> list[str]:
    return [entry.name for entry in entries(pack(folder).content)]


def test_the_same_content_makes_the_same_archive(folder: Path, tmp_path: Path) -> None:
    first = pack(folder)
    other = tmp_path / "elsewhere"
    write(other, **{"package/train.py": "print('here')\n"})
    write(other, MLproject="name: own\n")
    os.utime(other / "MLproject", (0, 0))
    (other / "MLproject").chmod(0o600)
    assert pack(other).sha256 == first.sha256
    assert first.sha256 == hashlib.sha256(first.content).hexdigest()
    write(other, MLproject="name: another\n")
    assert pack(other).sha256 != first.sha256


def test_nothing_of_the_machine_is_in_it(folder: Path) -> None:
    (folder / "package/train.py").chmod(0o777)
    (plain, program) = entries(pack(folder).content)
    assert [(e.name, e.mode, e.mtime, e.uid, e.uname) for e in (plain, program)] == [
        ("MLproject", 0o644, 0, 0, ""),
        ("package/train.py", 0o755, 0, 0, ""),
    ]


def test_the_worker_unpacks_what_was_packed(folder: Path, tmp_path: Path) -> None:
    write(folder, **{"caf\u00e9/a b.txt": "x", f"{'long' * 30}/{'name' * 30}": "y"})
    (folder / "package/train.py").chmod(0o755)
    archive, unpacked = tmp_path / "archive", tmp_path / "unpacked"
    archive.write_bytes(pack(folder).content)
    unpacked.mkdir()
    unpack(archive, unpacked)
    assert tree(unpacked) == tree(folder)
    assert tree_digest(unpacked) == tree_digest(folder)
    assert os.access(unpacked / "package/train.py", os.X_OK)


def test_what_is_ignored_is_left_out_and_told(folder: Path) -> None:
    write(
        folder,
        **{
            ".gitignore": "*.npz\nmlruns/\n",
            ".alidadeignore": "/data/\n",
            "big.npz": "",
            "mlruns/1/meta.yaml": "",
            "data/one.png": "",
            "package/data/two.png": "",
            "package/.gitignore": "*.log\n!kept.log\n",
            "package/a.log": "",
            "package/kept.log": "",
            "package/__pycache__/train.pyc": "",
            ".git/config": "",
        },
    )
    packed = pack(folder)
    left_out = (".git/", "big.npz", "data/", "mlruns/", "package/__pycache__/", "package/a.log")
    assert packed.left_out == left_out
    assert [entry.name for entry in entries(packed.content)] == [
        ".alidadeignore",
        ".gitignore",
        "MLproject",
        "package/.gitignore",
        "package/data/two.png",
        "package/kept.log",
        "package/train.py",
    ]
    assert packed.told.startswith("packed 7 files, 1 KiB, sha256 ")
    assert packed.told.endswith(f"; left out: {', '.join(left_out)}")


def test_what_gitignore_leaves_out_alidadeignore_may_take_in(folder: Path) -> None:
    write(folder, **{".gitignore": "*.npz\n", ".alidadeignore": "!small.npz\n", "small.npz": ""})
    assert "small.npz" in names(folder)


def test_a_link_is_refused_unless_it_is_left_out(folder: Path) -> None:
    (folder / "package/passwd").symlink_to("/etc/passwd")
    with pytest.raises(PackingError, match=r"package/passwd: is a link"):
        pack(folder)
    write(folder, **{".alidadeignore": "passwd\n"})
    assert names(folder) == [".alidadeignore", "MLproject", "package/train.py"]


def test_what_is_no_file_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(PackingError, match="pipe: is neither a file nor a folder"):
        pack(folder)


def test_a_folder_without_mlproject_is_refused(folder: Path) -> None:
    (folder / "MLproject").unlink()
    with pytest.raises(PackingError, match="there is no MLproject in it"):
        pack(folder)


def test_what_is_too_large_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MAX_BYTES", 1024)
    (folder / "data.bin").write_bytes(os.urandom(2048))
    with pytest.raises(PackingError, match="give it to jobs as datasets"):
        pack(folder)


def test_an_archive_is_taken_as_it_is(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "workflows.tar.gz"
    archive.write_bytes(pack(folder).content)
    packed = pack(archive)
    assert (packed.name, packed.content) == ("workflows.tar.gz", archive.read_bytes())
    assert packed.told.startswith("workflows.tar.gz: ")


@pytest.mark.parametrize("name", ["missing", "text"])
def test_what_is_neither_folder_nor_archive_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, text="text")
    with pytest.raises(PackingError, match=name):
        pack(tmp_path / name)
