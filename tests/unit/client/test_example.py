"""The example's archive, as its Makefile makes it."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

from alidade.packing import pack
from tests.support.sources import EXAMPLE


def make(folder: Path) -> str:
    command = ["make", "--no-print-directory", "workflows"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def copy(to: Path) -> Path:
    for name in ("Makefile", "MLproject", "mnist_robustness"):
        source = EXAMPLE / name
        to.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, to / name)
        else:
            shutil.copyfile(source, to / name)
    return to


def test_the_archive_has_the_workflow_and_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = (copy(tmp_path / name) for name in ("first", "second"))
    (second / "MLproject").chmod(0o600)
    make(first)
    make(second)
    packed = pack(first / "workflows.tar.gz")
    assert packed.content == (second / "workflows.tar.gz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(packed.content)) as archive:
        names = archive.getnames()
    assert "MLproject" in names
    assert "mnist_robustness/train.py" in names
    assert all(name.endswith(".py") or name == "MLproject" for name in names)
    assert "Nothing to be done for 'workflows'" in make(first)


def test_of_the_folder_nothing_but_the_workflow_is_sent(tmp_path: Path) -> None:
    folder = copy(tmp_path / "mnist")
    for name in (".alidadeignore", "Containerfile", "demo.md", "fetch-data", "queue.yaml"):
        shutil.copyfile(EXAMPLE / name, folder / name)
    for name in ("demo.ipynb", "workflows.tar.gz"):
        (folder / name).write_text("saved")
    (folder / "data").mkdir()
    (folder / "data/train-images-idx3-ubyte").write_text("data")
    with tarfile.open(fileobj=io.BytesIO(pack(folder).content)) as archive:
        names = set(archive.getnames()) - {".alidadeignore"}
    assert names > {"MLproject", "mnist_robustness/train.py"}
    assert all(name.endswith(".py") or name == "MLproject" for name in names)
