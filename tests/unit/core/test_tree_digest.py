import os
from hashlib import sha256
from pathlib import Path

import pytest

from alidade_core.tree_digest import tree_digest


def test_it_is_over_a_line_a_file_in_the_order_of_their_paths(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.txt").write_bytes(b"one")
    (tmp_path / "b.txt").write_bytes(b"two")
    (tmp_path / "empty").mkdir()
    one, two = (sha256(content).hexdigest() for content in (b"one", b"two"))
    lines = f"b.txt\0{two}\nb/a.txt\0{one}\n"
    assert tree_digest(tmp_path) == sha256(lines.encode()).hexdigest()


def test_times_and_modes_do_not_count_and_names_do(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"x")
    before = tree_digest(tmp_path)
    file.chmod(0o600)
    os.utime(file, (1, 1))
    assert tree_digest(tmp_path) == before
    file.rename(tmp_path / "b")
    assert tree_digest(tmp_path) != before


def test_a_directory_without_files_has_one_too(tmp_path: Path) -> None:
    assert tree_digest(tmp_path) == sha256(b"").hexdigest()


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="link is neither a file nor a directory"):
        tree_digest(tmp_path)


def test_a_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).touch()
    with pytest.raises(ValueError, match="is no text"):
        tree_digest(tmp_path)
