import gzip
import io
import os
import stat
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from alidade_worker.source.archive import unpack
from alidade_worker.source.limits import MEBIBYTE, Limits
from alidade_worker.source.problems import RefusedError
from tests.support.archives import ENDS, TAR_MODES, archive_of, member, tar_of, tree

Unpack = Callable[..., Path]
FILES = {"MLproject": b"name: x\n", "a/b/c.py": b"print()\n" * 9000, "caf\u00e9": b""}


@pytest.fixture
def unpacked(tmp_path: Path) -> Unpack:
    def run(content: bytes, limits: Limits = Limits()) -> Path:  # noqa: B008 - it is frozen
        archive, folder = tmp_path / "archive", tmp_path / "folder"
        archive.write_bytes(content)
        folder.mkdir()
        unpack(archive, folder, limits)
        return folder

    return run


@pytest.fixture
def refusal(unpacked: Unpack, tmp_path: Path) -> Callable[..., str]:
    def run(content: bytes, limits: Limits = Limits()) -> str:  # noqa: B008 - it is frozen
        with pytest.raises(RefusedError) as caught:
            unpacked(content, limits)
        assert {path.name for path in tmp_path.iterdir()} == {"archive", "folder"}
        return str(caught.value)

    return run


@pytest.mark.parametrize("end", ENDS)
def test_what_was_packed_is_there_whatever_the_archive_is_called(
    unpacked: Unpack, end: str
) -> None:
    folder = unpacked(archive_of(FILES, end))
    found = {name: content for name, content in tree(folder).items() if content is not None}
    assert found == FILES


@pytest.mark.parametrize("kind", ["gnu", "pax", "ustar"])
def test_archives_of_the_program_tar_are_taken(tmp_path: Path, unpacked: Unpack, kind: str) -> None:
    source = tmp_path / "source"
    deep = source / "/".join(["long" * 12] * 2)
    deep.mkdir(parents=True)
    (deep / ("n" * 90)).write_text("deep")
    (source / "run").write_text("#!/bin/sh\n")
    (source / "run").chmod(0o4775)
    (source / "empty").mkdir()
    command = ["tar", "--create", f"--format={kind}", "--directory", str(source), "."]
    content = subprocess.run(command, capture_output=True, check=True).stdout
    folder = unpacked(content)
    assert tree(folder) == tree(source)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    assert modes["run"] == 0o755
    assert modes["n" * 90] == 0o644
    assert modes["empty"] == 0o755


def test_archives_of_git_are_taken(tmp_path: Path, unpacked: Unpack) -> None:
    (tmp_path / "MLproject").write_text("name: x\n")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "MLproject"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    content = subprocess.run([*git, "archive", "HEAD"], capture_output=True, check=True).stdout
    assert tree(unpacked(content)) == {"MLproject": b"name: x\n"}


TAKEN = "and only files and folders are taken"


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (member("../up", b"x"), "entry '../up' leads out of the folder"),
        (member("a/../../up", b"x"), "entry 'a/../../up' leads out of the folder"),
        (member("/etc/x", b"x"), "entry '/etc/x' has an absolute name"),
        (
            member("link", kind=tarfile.SYMTYPE, target="/etc"),
            f"entry 'link' is a symbolic link, {TAKEN}",
        ),
        (
            member("hard", kind=tarfile.LNKTYPE, target="fine"),
            f"entry 'hard' is a hard link, {TAKEN}",
        ),
        (member("null", kind=tarfile.CHRTYPE), f"entry 'null' is a device, {TAKEN}"),
        (member("disk", kind=tarfile.BLKTYPE), f"entry 'disk' is a device, {TAKEN}"),
        (member("pipe", kind=tarfile.FIFOTYPE), f"entry 'pipe' is a named pipe, {TAKEN}"),
        (member("holes", kind=tarfile.GNUTYPE_SPARSE), f"entry 'holes' is a sparse file, {TAKEN}"),
        (member("what", kind=b"Z"), f"entry 'what' is of an unknown kind, {TAKEN}"),
        (member("fine", b"x"), "entry 'fine' is there twice"),
        (member("./fine", b"x"), "entry './fine' is there twice"),
        (
            member("Fine", b"x"),
            "entry 'Fine' differs from 'fine' by no more than case or composition",
        ),
        (
            member("FOLDER/b", b"x"),
            "entry 'FOLDER/b' differs from 'folder' by no more than case or composition",
        ),
        (member("fine/b", b"x"), "entry 'fine/b' makes one name a file and a folder"),
        (member("folder", b"x"), "entry 'folder' makes one name a file and a folder"),
        (member("a\nb", b"x"), "entry 'a\\nb' has a control character in its name"),
        (member("a\x7fb", b"x"), "entry 'a\\x7fb' has a control character in its name"),
        (member("a\u2028b", b"x"), "entry 'a\\u2028b' has a control character in its name"),
        (member("a\\b", b"x"), "entry 'a\\\\b' has a backslash in its name; folders are told by /"),
        (member("a\udcffb", b"x"), "entry 'a\\udcffb' has a name that is no UTF-8"),
        (member(".", b"x"), "entry '.' is a file with the name of a folder"),
        (member("n" * 256, b"x"), f"entry '{'n' * 60}'... has too long a name"),
    ],
    ids=lambda value: value[0].name[:20] if isinstance(value, tuple) else "",
)
def test_what_is_not_taken_is_named(
    refusal: Callable[..., str], odd: tuple[tarfile.TarInfo, bytes], said: str
) -> None:
    before = [member("fine", b"1"), member("folder/a", b"2")]
    assert refusal(tar_of([*before, odd], "w:gz")) == said


def zip_with(
    change: Callable[[zipfile.ZipInfo], None], name: str = "odd", content: bytes = b"x"
) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("fine", "1")
        info = zipfile.ZipInfo(name)
        change(info)
        archive.writestr(info, content)
    return buffer.getvalue()


def mode_of(kind: int) -> Callable[[zipfile.ZipInfo], None]:
    def change(info: zipfile.ZipInfo) -> None:
        info.external_attr = (kind | 0o644) << 16

    return change


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            zip_with(mode_of(stat.S_IFLNK), content=b"/etc/passwd"),
            f"entry 'odd' is a symbolic link, {TAKEN}",
        ),
        (zip_with(mode_of(stat.S_IFCHR)), f"entry 'odd' is a device or a named pipe, {TAKEN}"),
        (zip_with(mode_of(0), "odd/"), f"entry 'odd/' is a folder with content, {TAKEN}"),
        (zip_with(mode_of(0), "../up"), "entry '../up' leads out of the folder"),
        (zip_with(mode_of(0), "/up"), "entry '/up' has an absolute name"),
        (zip_with(mode_of(0), "FINE"), "entry 'FINE' differs from 'fine' by no more than case"),
        (zip_with(mode_of(0), "fine/x"), "entry 'fine/x' makes one name a file and a folder"),
        (zip_with(mode_of(0), "a\\b"), "entry 'a\\\\b' has a backslash in its name"),
    ],
)
def test_the_same_of_zip(refusal: Callable[..., str], content: bytes, said: str) -> None:
    assert refusal(content).startswith(said)


def test_a_name_that_ends_at_nul_is_seen_whole(refusal: Callable[..., str]) -> None:
    content = zip_with(mode_of(0), "oddXname").replace(b"oddXname", b"odd\0name")
    assert refusal(content) == "entry 'odd\\x00name' has a control character in its name"


def test_an_encrypted_zip_is_told(refusal: Callable[..., str]) -> None:
    content = bytearray(archive_of({"secret": "x"}, ".zip"))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(content)) == "entry 'secret' is encrypted"


@pytest.mark.parametrize("end", ENDS)
def test_an_archive_that_is_cut_off_anywhere_is_refused(tmp_path: Path, end: str) -> None:
    whole = archive_of({"a": os.urandom(2000), "b": "x"}, end)
    # The last of a tar's padding says nothing.
    last = len(whole.rstrip(b"\0")) + 512 if end == ".tar" else len(whole)
    for size in (*range(0, last, 97), last - 1):
        archive, folder = tmp_path / "archive", tmp_path / f"{size}"
        archive.write_bytes(whole[:size])
        folder.mkdir()
        with pytest.raises(RefusedError):
            unpack(archive, folder)


def test_cut_off_broken_and_none_at_all_are_told_apart(refusal: Callable[..., str]) -> None:
    tgz = archive_of({"a": os.urandom(2000)})
    assert refusal(tgz[:1000]) == "it is cut off"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is no archive (tar, or tar by gzip, bzip2 or xz, or zip)"),
        (b"#!/bin/sh\necho I am a script\n" * 99, "it is no archive"),
        (b"PK\x03\x04 and nothing", "it is no zip archive, or is cut off or broken"),
        (b"\x1f\x8b\x09 and nothing", "it cannot be decompressed"),
        (b"BZh9 and nothing like it", "it cannot be decompressed"),
        (tar_of([], "w:gz"), "it holds no file"),
        (tar_of([member("folder", kind=tarfile.DIRTYPE)]), "it holds no file"),
        (archive_of({}, ".zip"), "it holds no file"),
        (archive_of({"a": "1"}, ".tar") + b"more", "something comes after its end"),
        (
            archive_of({"a": "1"}, ".tar").replace(b"0000644", b"000064x"),
            "it is no tar archive, or is broken (",
        ),
    ],
)
def test_what_is_no_archive_or_holds_nothing_is_told(
    refusal: Callable[..., str], content: bytes, said: str
) -> None:
    assert refusal(content).startswith(said)


def test_a_header_in_the_middle_that_is_none_is_no_end(refusal: Callable[..., str]) -> None:
    content = bytearray(archive_of({"a": "1", "b": "2"}, ".tar"))
    content[1024] ^= 1
    assert refusal(bytes(content)).startswith("it is no tar archive, or is broken (bad checksum)")


@pytest.mark.parametrize("end", ENDS)
def test_too_many_entries_are_refused(refusal: Callable[..., str], end: str) -> None:
    content = archive_of({f"{number}": "" for number in range(10_001)}, end)
    assert refusal(content) == "it has more than 10,000 files and folders"


@pytest.mark.parametrize("end", ENDS)
def test_folders_that_have_no_entries_are_counted_too(
    refusal: Callable[..., str], unpacked: Unpack, end: str
) -> None:
    content = archive_of({"/".join(str(number) + 8 * "a"): "" for number in range(9)}, end)
    assert refusal(content, Limits(entries=80)) == "it has more than 80 files and folders"


@pytest.mark.parametrize("end", ENDS)
def test_as_many_as_are_taken_are_taken(unpacked: Unpack, end: str) -> None:
    content = archive_of({"/".join(str(number) + 8 * "a"): "" for number in range(9)}, end)
    assert len(tree(unpacked(content, Limits(entries=81)))) == 81


@pytest.mark.parametrize("end", ENDS)
def test_too_many_bytes_are_refused(refusal: Callable[..., str], end: str) -> None:
    content = archive_of({"a": bytes(MEBIBYTE), "b": bytes(MEBIBYTE + 1)}, end)
    limits = Limits(unpacked=2 * MEBIBYTE)
    assert refusal(content, limits) == "with entry 'b' it unpacks to more than 2 MiB"


@pytest.mark.parametrize("end", [end for end in ENDS if end != ".tar"])
def test_a_bomb_is_refused_for_its_ratio(
    refusal: Callable[..., str], tmp_path: Path, end: str
) -> None:
    content = archive_of({"zeros": bytes(11 * MEBIBYTE)}, end)
    assert refusal(content) == (
        f"with entry 'zeros' it unpacks to more than 100 times its {len(content):,} bytes, "
        "as only a bomb does"
    )
    assert (tmp_path / "folder" / "zeros").stat().st_size <= 11 * MEBIBYTE


def test_what_is_small_may_be_compressed_as_well_as_it_can(unpacked: Unpack) -> None:
    unpacked(archive_of({"zeros": bytes(10 * MEBIBYTE)}))


@pytest.mark.parametrize("mode", TAR_MODES.values())
def test_names_are_limited_too(refusal: Callable[..., str], mode: str) -> None:
    info, content = member("a", b"1")
    info.pax_headers = {"comment": "x" * 2 * MEBIBYTE}
    assert refusal(tar_of([(info, content)], mode)).startswith("it has a header of 2,097,")


def test_zeros_without_end_are_refused(refusal: Callable[..., str]) -> None:
    content = archive_of({"a": "1"}, ".tar") + bytes(5 * MEBIBYTE)
    limits = Limits(unpacked=MEBIBYTE)
    assert refusal(gzip.compress(content), limits) == "it has far more names and padding than files"
