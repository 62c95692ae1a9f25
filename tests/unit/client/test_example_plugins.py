"""The archive of the example of plugins has what git leaves out."""

import io
import shutil
import tarfile
from pathlib import Path

from alidade.packing import pack
from tests.support.sources import REPOSITORY


def test_the_wheels_are_in_the_archive_and_what_they_are_made_of_is_not(tmp_path: Path) -> None:
    folder = shutil.copytree(REPOSITORY / "examples/plugins", tmp_path / "plugins")
    (folder / "wheels").mkdir(exist_ok=True)
    (folder / "wheels/plugin-1.0-py3-none-any.whl").touch()
    (folder / "requirements.txt").touch()
    packed = pack(folder)
    with tarfile.open(fileobj=io.BytesIO(packed.content)) as archive:
        names = set(archive.getnames())
    assert {"wheels/plugin-1.0-py3-none-any.whl", "requirements.txt", "compare.py"} <= names
    assert {"salt-and-pepper/", "Makefile", "README.md"} <= set(packed.left_out)
