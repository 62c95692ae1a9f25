import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from alidade_core.tree_digest import tree_digest
from alidade_worker.datasets import provide_datasets, read_datasets
from alidade_worker.errors import SourceUnavailableError, UsageError, WorkflowError
from alidade_worker.source.means import read_means
from tests.support.archives import archive_of, digest, tree
from tests.support.process import free_port

Provide = Callable[..., Path]
FILES = {"training/7/a.png": b"1", "testing/b.png": b"2"}


@pytest.fixture
def provide(tmp_path: Path) -> Provide:
    data = tmp_path / "data"
    data.mkdir()

    def run(**dataset: str) -> Path:
        environment = {"ALIDADE_DATASETS": json.dumps([dataset]), "ALIDADE_SOURCE_PATIENCE": "0"}
        provide_datasets(read_datasets(environment), data, read_means(environment))
        return data / dataset["name"]

    return run


@pytest.fixture
def artifact(tmp_path: Path) -> Callable[[str, bytes], dict[str, str]]:
    def make(name: str, content: bytes) -> dict[str, str]:
        file = tmp_path / name
        file.write_bytes(content)
        return {"uri": file.as_uri(), "sha256": digest(content)}

    return make


@pytest.mark.parametrize("end", [".tgz", ".TAR.XZ", ".zip"])
def test_an_archive_is_unpacked_and_nothing_in_it_can_be_changed(
    provide: Provide, artifact: Callable[..., dict[str, str]], end: str, tmp_path: Path
) -> None:
    place = provide(name="mnist", **artifact(f"m{end}", archive_of(FILES, end.lower())))
    assert {name: c for name, c in tree(place).items() if c is not None} == FILES
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (place, *place.rglob("*"))}
    assert modes == {0o555, 0o444}
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["mnist"]


@pytest.mark.parametrize("name", ["data.csv", "arrays.npz", "images-idx3-ubyte.gz", "a b.txt"])
def test_another_file_is_there_under_its_name(
    provide: Provide, artifact: Callable[..., dict[str, str]], name: str
) -> None:
    content = archive_of(FILES, ".zip" if name.endswith(".npz") else ".tgz")
    assert tree(provide(name="d", **artifact(name, content))) == {name: content}


def test_more_files_than_a_workflow_may_have_are_no_matter(
    provide: Provide, artifact: Callable[..., dict[str, str]]
) -> None:
    files = {f"{number}.png": "" for number in range(10_001)}
    assert len(tree(provide(name="d", **artifact("d.tar", archive_of(files, ".tar"))))) == 10_001


def test_a_directory_of_the_image_is_linked(provide: Provide, tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.mkdir()
    (image / "a").write_text("1")
    place = provide(name="d", path=str(image), sha256=tree_digest(image))
    assert place.readlink() == image
    assert tree(place) == {"a": b"1"}


def test_a_claim_is_found_where_it_is_mounted(provide: Provide, tmp_path: Path) -> None:
    claim = tmp_path / "data" / "d"
    claim.mkdir()
    (claim / "a").write_text("1")
    assert provide(name="d") == claim
    assert provide(name="d", sha256=tree_digest(claim)) == claim


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        ({"path": "/no/such"}, "Dataset d (/no/such) cannot be used: the image has no such dir"),
        ({"path": "IMAGE", "sha256": "0" * 64}, "Dataset d (IMAGE) cannot be used: the sha256 of"),
        ({"path": "LINKS", "sha256": "0" * 64}, "Dataset d (LINKS) cannot be used: it has no dig"),
        ({}, "Dataset d cannot be used: its claim is not mounted at "),
        (
            {"uri": "file:///gone.tgz", "sha256": "0" * 64},
            "Dataset d (file:///gone.tgz) cannot be used: there is no file /gone.tgz in this pod.",
        ),
        ({"uri": "ARTIFACT", "sha256": "0" * 64}, "Dataset d (ARTIFACT) cannot be used: its sha2"),
        (
            {"uri": "ARTIFACT", "sha256": digest(b"none")},
            "Dataset d (ARTIFACT) cannot be used: it is no archive",
        ),
    ],
)
def test_each_failure_names_the_dataset(
    provide: Provide, tmp_path: Path, dataset: dict[str, str], said: str
) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "link").symlink_to("/")
    file = tmp_path / "a.tgz"
    file.write_bytes(b"none")
    real = {
        "ARTIFACT": file.as_uri(),
        "IMAGE": str(tmp_path / "image"),
        "LINKS": str(tmp_path / "links"),
    }
    for name, value in real.items():
        said = said.replace(name, value)
    with pytest.raises(WorkflowError) as caught:
        provide(name="d", **{key: real.get(value, value) for key, value in dataset.items()})
    assert str(caught.value).startswith(said)
    assert str(caught.value).count(".\n") == 0
    assert not (tmp_path / "data" / "d").is_dir() or "path" in dataset


def test_a_store_that_is_away_names_the_dataset_without_its_password(provide: Provide) -> None:
    port = free_port()
    uri = f"http://me:secret@127.0.0.1:{port}/a.tgz?signature=secret"
    with pytest.raises(SourceUnavailableError) as caught:
        provide(name="d", uri=uri, sha256="0" * 64)
    assert str(caught.value).startswith(
        f"Dataset d (http://127.0.0.1:{port}/a.tgz) cannot be reached: the server cannot be reached"
    )
    assert "secret" not in caught.value.message()


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        "3",
        '["a"]',
        '[{"name": 3}]',
        '[{"uri": "x"}]',
        '[{"name": "a", "more": "x"}]',
        '[{"name": "../a"}]',
        '[{"name": ".."}]',
        '[{"name": ""}]',
        '[{"name": "a", "uri": "http://example.org/a"}]',
    ],
)
def test_what_is_no_list_of_datasets_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="ALIDADE_DATASETS is no JSON list of datasets: "):
        read_datasets({"ALIDADE_DATASETS": text})


def test_there_need_be_none() -> None:
    assert read_datasets({}) == read_datasets({"ALIDADE_DATASETS": ""}) == []


@pytest.mark.parametrize("text", ["x", "-1", "inf", "nan"])
@pytest.mark.parametrize("name", ["ALIDADE_SOURCE_PATIENCE", "ALIDADE_SOURCE_TIMEOUT"])
def test_a_time_that_is_none_is_told(name: str, text: str) -> None:
    with pytest.raises(UsageError, match=f'{name} is "{text}", but has to be a number of seconds'):
        read_means({name: text})
